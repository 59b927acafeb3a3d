// Train one now: starts and stops a training on the server. Hidden where no labkit server answers.
export function render({model, el}) {
  const page = el.ownerDocument, window = page.defaultView
  const box = page.createElement("div"), button = page.createElement("button"), said = page.createElement("span")
  Object.assign(box.style, {display: "none", alignItems: "center", gap: "12px", flexWrap: "wrap",
    font: "14px/1.4 system-ui, sans-serif"})
  Object.assign(button.style, {font: "inherit", padding: "7px 14px", borderRadius: "6px", border: "1px solid #8a9097",
    background: "transparent", color: "inherit", cursor: "pointer"})
  button.type = "button"
  said.setAttribute("role", "status")
  box.append(button, said)
  el.append(box)
  let running = false, allowed = false, timer = null
  const key = () => {
    try { const kept = JSON.parse(window.sessionStorage.getItem("labkit-class")) || {}; if (kept.key) return kept.key } catch { /* none */ }
    return window.prompt("Teacher's key, from the terminal of labkit serve") ?? ""
  }
  const show = (found) => {
    running = found.running
    button.textContent = running ? "Stop training" : "Train one now"
    button.title = running ? "End the training; it saves first and can be resumed"
      : "Train a small network on 8 x 8 digits, on the server; takes one or two minutes"
    box.style.display = "flex"
    if (!said.textContent || found.words) said.textContent = found.words ?? ""
  }
  const look = async () => {
    try {
      const answer = await window.fetch("./train")
      if (!answer.ok) return
      const found = await answer.json()
      allowed = found.allowed
      const ended = running && !found.running
      show({...found, words: found.running ? `${found.run} is training` : ended ? `${found.run} has ended` : undefined})
    } catch { /* the server is away; the page reports it elsewhere */ }
  }
  button.addEventListener("click", async () => {
    button.disabled = true
    try {
      const body = JSON.stringify({order: running ? "stop" : "start", ...(allowed ? {} : {key: key()})})
      const answer = await window.fetch("./train", {method: "POST", headers: {"Content-Type": "application/json"}, body})
      const found = await answer.json()
      if (found.error) said.textContent = found.error
      else { said.textContent = ""; show({...found, words: found.running ? `${found.run} starts; it appears below in a few seconds` : ""}) }
    } catch { said.textContent = "The server does not answer; try again" }
    button.disabled = false
  })
  look()
  timer = window.setInterval(() => { if (page.visibilityState === "visible") look() }, 3000)
  model.on("remove", () => window.clearInterval(timer))
}
