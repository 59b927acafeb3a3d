// Says on the page when its server cannot be reached, and reloads the page at its own address when the server is back.
//
// It stands inside the page's head, before Bokeh's scripts, since it watches the websocket that they will open.
{
  const PAUSE = 1000       // ms between two questions to a server that does not answer
  const SILENCE = 5000     // ms without a message after which the page asks whether the server is there
  const PATIENCE = 8000    // ms that the answer may take: a server that prepares thirty pages is busy, not gone
  const SETTLED = 5000     // ms that a page stands, at least, before it reloads itself: no server is asked without end

  const LOST = "Connection lost. Trying again ..."
  const REFUSED = "The server refused this page's connection, so nothing on it can change. A proxy must pass websockets " +
    `and the Host header; else restart the server with: labkit serve --allow-host ${location.hostname}`
  const STYLE = "position: sticky; top: 0; z-index: 10000; padding: .5em 1em; text-align: center; overflow-wrap: anywhere;" +
    "font: 600 16px/1.4 system-ui, sans-serif; color: #ffffff; background: #b3261e"

  let opened = false   // the websocket has been open
  let closed = false   // it is not any more, or was refused
  let lost = false     // the server did not answer
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

  const answers = async () => {
    try {
      return (await fetch("./liveness", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE)})).ok
    } catch {
      return false
    }
  }

  // Asks until the server answers, then does what that means for a websocket that is open, closed or was refused.
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
      location.reload()
    } else {
      say(REFUSED)
    }
  }

  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address)
      this.addEventListener("open", () => { opened = true })
      this.addEventListener("message", () => { heard = performance.now() })
      this.addEventListener("close", () => {
        closed = true
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
