// A square to draw on with mouse, pen, finger or keys. It sends its ink as numbers 0 to 255 during and after each line.
const KEYS = "arrow keys move the pen (with Shift: farther), space lowers or lifts it, Delete clears the square"
const STYLE = `
.square { position: relative; max-width: 252px; }
canvas { display: block; width: 100%; box-sizing: border-box; aspect-ratio: 1; background: #fff; cursor: crosshair; touch-action: none;
  border: 1px solid #8a9097; border-radius: 8px; }
.pen { position: absolute; border: 2px solid #0072b2; border-radius: 50%; transform: translate(-50%, -50%); pointer-events: none; }
.pen.down { background: #0072b2; }
canvas:not(:focus-visible) ~ .pen { visibility: hidden; }
.keys { max-width: 252px; margin-top: 4px; font-size: 13px; line-height: 1.35; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (hover: none) and (pointer: coarse) { .keys { display: none; } }
`
const AWAY = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}

export function render({model, el}) {
  const page = el.ownerDocument, side = model.side, scale = Math.max(4, Math.round(252 / side)), size = side * scale
  const made = (tag, more) => Object.assign(page.createElement(tag), more)
  const sheet = made("canvas", {width: size, height: size, tabIndex: 0})
  sheet.setAttribute("role", "application")
  sheet.setAttribute("aria-label", `${model.words}. By keyboard: ${KEYS}.`)
  const pen = sheet.getContext("2d", {willReadFrequently: true})
  const clear = () => { pen.fillStyle = "#fff"; pen.fillRect(0, 0, size, size) }
  const ink = () => {
    const data = pen.getImageData(0, 0, size, size).data, found = new Array(side * side).fill(0)
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++)
      found[Math.floor(y / scale) * side + Math.floor(x / scale)] += 255 - data[4 * (y * size + x)]
    return found.map((sum) => Math.round(sum / (scale * scale)))
  }
  const show = (pixels) => {
    clear()
    for (const [i, pixel] of pixels.entries()) {
      if (!pixel) continue
      pen.fillStyle = `rgb(${255 - pixel}, ${255 - pixel}, ${255 - pixel})`
      pen.fillRect((i % side) * scale, Math.floor(i / side) * scale, scale, scale)
    }
  }
  let last = null, said = 0
  const say = (moving = false) => { said = performance.now(); model.send_msg({kind: "drawn", pixels: ink(), moving}) }
  const place = (event) => {
    const box = sheet.getBoundingClientRect()
    return [(event.clientX - box.left) * size / box.width, (event.clientY - box.top) * size / box.height]
  }
  const line = (from, to) => {
    Object.assign(pen, {lineWidth: 2.1 * scale, lineCap: "round", lineJoin: "round", strokeStyle: "#000"})
    pen.beginPath(); pen.moveTo(...from); pen.lineTo(...to); pen.stroke()
  }
  sheet.addEventListener("pointerdown", (event) => {
    sheet.setPointerCapture(event.pointerId)
    last = place(event)
    line(last, last)
  })
  sheet.addEventListener("pointermove", (event) => {
    if (!last) return
    const to = place(event)
    line(last, to)
    last = to
    if (performance.now() - said > 250) say(true)
  })
  const end = () => { if (last) { last = null; say() } }
  sheet.addEventListener("pointerup", end)
  sheet.addEventListener("pointercancel", end)

  // by keyboard
  const mark = made("div", {className: "pen"}), help = made("div", {className: "keys", textContent: `By keyboard: ${KEYS}.`})
  const spoken = made("div", {className: "spoken"})
  spoken.setAttribute("aria-live", "polite")
  help.setAttribute("aria-hidden", "true")  // it is in the name of the square
  let cell = [Math.floor(side / 2), Math.floor(side / 2)], down = false, soon = null
  const middle = () => cell.map((each) => (each + 0.5) * scale)
  const point = () => {
    const share = (each) => `${100 * each / size}%`
    Object.assign(mark.style, {left: share(middle()[0]), top: share(middle()[1]), width: share(2 * scale), height: share(2 * scale)})
    mark.classList.toggle("down", down)
  }
  const inked = (from) => {
    line(from, middle())
    clearTimeout(soon)
    soon = setTimeout(say, performance.now() - said > 250 ? 0 : 250)
  }
  const move = ([across, up], far) => {
    const from = middle(), within = (each) => Math.min(Math.max(each, 0), side - 1)
    cell = [within(cell[0] + across * far), within(cell[1] + up * far)]
    if (down) inked(from)
    return `${down ? "Line to column" : "Column"} ${cell[0] + 1}, row ${cell[1] + 1} of ${side}`
  }
  const lower = (to) => {
    down = to
    if (down) inked(middle())
    return down ? "Pen down" : "Pen up"
  }
  sheet.addEventListener("keydown", (event) => {
    const way = AWAY[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey) return
    let words = ""
    if (way) words = move(way, event.shiftKey ? 4 : 1)
    else if (event.key === " ") words = lower(event.repeat ? down : !down)
    else if (event.key === "Delete" || event.key === "Backspace") { clear(); words = "The square is empty" }
    else return
    event.preventDefault()
    event.stopPropagation()  // the page has other uses for these keys
    spoken.textContent = words
    point()
  })
  sheet.addEventListener("blur", () => { lower(false); point() })
  model.on("msg:custom", ({kind, pixels}) => { if (kind === "clear") clear(); else if (kind === "show") show(pixels) })
  model.on("remove", () => clearTimeout(soon))
  show(model.pixels)
  point()
  const square = made("div", {className: "square"})
  square.append(sheet, mark)
  el.append(made("style", {textContent: STYLE}), square, help, spoken)
}
