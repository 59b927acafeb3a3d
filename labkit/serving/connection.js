// Shows on the page when its server cannot be reached, and reloads the page when the server is back. The reloaded page
// has the same session, if the server still has it.
//
// The page loads this before Bokeh's scripts, because it watches the websocket that they open.
{
  const PAUSE = 1000       // ms between two requests to a server that does not respond
  const SILENCE = 5000     // ms without a message, after which the page checks whether the server responds
  const PATIENCE = 8000    // ms that the response may take: a server that prepares thirty pages is slow
  const SETTLED = 5000     // ms from opening a page until it may reload itself, at least: this limits the requests

  const TOO_BIG = 1009     // code of a websocket that the server closed because of a large message

  const LOST = "Connection lost. Trying again ..."
  const REFUSED = "The server refused this page's connection, so the page cannot change. A proxy must forward websockets. " +
    `If it does, restart the server with: labkit serve --allow-origin ${location.origin}`
  const STYLE = "position: sticky; top: 0; z-index: 10000; padding: .5em 1em; text-align: center; overflow-wrap: anywhere;" +
    "font: 600 16px/1.4 system-ui, sans-serif; color: #ffffff; background: #b3261e"

  const RETURN = "bokeh-session-id"  // asks the server for the page of a session that exists
  const TWICE = 30000      // ms: a page that returned and lost its session sooner gets a new one

  const returned = location.search.includes(`${RETURN}=`)
  if (returned) history.replaceState(history.state, "", location.href.replace(new RegExp(`[?&]${RETURN}=[^&#]*`), ""))

  let session = ""     // the identifier in the token of the websocket
  let opened = false   // the websocket has been open
  let closed = false   // it has closed, or the server refused it
  let lost = false     // the server did not respond
  let asking = false
  let leaving = false  // the browser closes the websocket of a page that is left
  let heard = performance.now()

  const say = (text) => {
    let line = document.querySelector("#connection")
    if (!line) {
      line = document.createElement("div")
      line.id = "connection"
      line.setAttribute("role", "alert")
      document.body.prepend(line)
    }
    line.style.cssText = text ? STYLE : "display: none"
    line.textContent = text
  }

  const sleep = (time) => new Promise((done) => setTimeout(done, time))

  const read = (token) => {
    try {
      return JSON.parse(atob(token.split(".")[0].replaceAll("-", "+").replaceAll("_", "/"))).session_id ?? ""
    } catch {
      return ""
    }
  }

  const reload = () => {
    if (!session || (returned && performance.now() < TWICE)) {
      location.reload()
    } else {
      const {pathname, search, hash} = location
      location.replace(`${pathname}${search}${search ? "&" : "?"}${RETURN}=${encodeURIComponent(session)}${hash}`)
    }
  }

  const answers = async () => {
    try {
      return (await fetch("./liveness", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE)})).ok
    } catch {
      return false
    }
  }

  // Sends requests until the server responds. Then it clears the message, reloads the page or shows the refusal.
  const ask = async () => {
    if (asking) return
    asking = true
    while (!leaving && !await answers()) {
      lost = true
      say(LOST)
      await sleep(PAUSE)
    }
    asking = false
    heard = performance.now()
    if (leaving) return
    if (!closed) {
      if (lost) say("")
      lost = false
    } else if (opened || lost) {
      await sleep(SETTLED - performance.now())
      reload()
    } else {
      say(REFUSED)
    }
  }

  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address)
      if (!/\/ws(\?|$)/.test(address[0])) return // frames and classes have other websockets
      session = read(address[1]?.[1] ?? "")
      this.addEventListener("open", () => { opened = true })
      this.addEventListener("message", () => { heard = performance.now() })
      this.addEventListener("close", (event) => {
        closed = true
        if (event.code === TOO_BIG) {
          say(`The server closed this page's connection. ${event.reason} Reload the page to start again.`)
          return
        }
        if (opened && !leaving) say(LOST)
        ask()
      })
    }
  }

  const look = () => {
    const quiet = performance.now() - heard > SILENCE
    if (opened && !closed && quiet && document.visibilityState === "visible") ask()
  }
  setInterval(look, PAUSE)
  addEventListener("offline", ask)
  addEventListener("pagehide", () => { leaving = true })
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload() })  // its websocket was closed
}
