// Boxes for whole numbers get every character. Bokeh's box would drop a point or a comma, and 12.6 would become 126. A
// text that is not a number is sent like an empty box, and the server says which number it uses.
const sent = ({target}) => {
  const text = target.value.trim()
  target.value = Number.isFinite(Number(text)) ? text : ""
}
const typed = (event) => {
  const root = event.composedPath()[0].getRootNode()
  if (!root.host?.matches(".whole")) return
  event.stopImmediatePropagation()
  root.addEventListener("change", sent, true)  // before Bokeh reads the box; the same function is added only once
}
