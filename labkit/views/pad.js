// A square to draw on with mouse, pen or finger. It sends its ink as numbers 0 to 255 during and after each line.
export function render({model, el}) {
  const page = el.ownerDocument, side = model.side, scale = Math.max(4, Math.round(252 / side)), size = side * scale
  const sheet = page.createElement("canvas")
  sheet.width = sheet.height = size
  sheet.tabIndex = 0
  sheet.setAttribute("role", "img")
  sheet.setAttribute("aria-label", model.words)
  Object.assign(sheet.style, {width: "100%", maxWidth: "252px", aspectRatio: "1", background: "#fff", cursor: "crosshair",
    touchAction: "none", border: "1px solid #8a9097", borderRadius: "8px"})
  const pen = sheet.getContext("2d", {willReadFrequently: true})
  const clear = () => { pen.fillStyle = "#fff"; pen.fillRect(0, 0, size, size) }
  const ink = () => {
    const data = pen.getImageData(0, 0, size, size).data, found = new Array(side * side).fill(0)
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++)
      found[Math.floor(y / scale) * side + Math.floor(x / scale)] += 255 - data[4 * (y * size + x)]
    return found.map((sum) => Math.round(sum / (scale * scale)))
  }
  let last = null, said = 0
  const say = () => { said = performance.now(); model.send_msg({kind: "drawn", pixels: ink()}) }
  const place = (event) => {
    const box = sheet.getBoundingClientRect()
    return [(event.clientX - box.left) * size / box.width, (event.clientY - box.top) * size / box.height]
  }
  const line = (to) => {
    Object.assign(pen, {lineWidth: 2.1 * scale, lineCap: "round", lineJoin: "round", strokeStyle: "#000"})
    pen.beginPath(); pen.moveTo(...last); pen.lineTo(...to); pen.stroke()
    last = to
  }
  sheet.addEventListener("pointerdown", (event) => {
    sheet.setPointerCapture(event.pointerId)
    last = place(event)
    line(last)
  })
  sheet.addEventListener("pointermove", (event) => {
    if (!last) return
    line(place(event))
    if (performance.now() - said > 250) say()
  })
  const end = () => { if (last) { last = null; say() } }
  sheet.addEventListener("pointerup", end)
  sheet.addEventListener("pointercancel", end)
  model.on("msg:custom", ({kind}) => { if (kind === "clear") clear() })
  clear()
  el.append(sheet)
}
