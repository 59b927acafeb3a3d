// Keys on pictures that can be edited: they act while the picture has the focus. Arrow keys belong to the page until a
// thing is chosen. The server does the edits and sends a sentence about each, which a screen reader speaks.
const EDITS = {ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Enter: "next",
  a: "add", A: "add", Delete: "remove", Backspace: "remove", Escape: "release"}
const CHOOSE = ["next", "add"], END = ["remove", "release"], ALWAYS = ["next", "add", "remove"]
const grasped = new WeakSet()  // surfaces that listen

const grasp = (surface, text, keys, edit) => {
  surface.setAttribute("role", "application")
  surface.setAttribute("aria-label", `${text} By keyboard: ${keys}.`)
  if (grasped.has(surface)) return
  grasped.add(surface)
  surface.tabIndex = 0
  let holds = false
  surface.addEventListener("keydown", (event) => {
    const name = EDITS[event.key]
    if (!name || event.ctrlKey || event.metaKey || event.altKey || !(holds || ALWAYS.includes(name))) return
    event.preventDefault()
    event.stopPropagation()  // the page has other uses for these keys
    holds = CHOOSE.includes(name) || (holds && !END.includes(name))
    edit(name === "next" && event.shiftKey ? "previous" : name, event.shiftKey)
  })
  surface.addEventListener("blur", () => { if (holds) edit("rest", false) })
}
