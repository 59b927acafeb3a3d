// Places on a picture made by BokehJS: one that the reader chooses, those of a class, and the run's own.

// The main picture below a view, or null before it is made.
const labkitMainPlot = (view) => {
  if (view?.model?.type === "Figure" || view?.model?.type === "Plot") return view
  for (const child of view?.child_views ?? []) {
    const found = labkitMainPlot(child)
    if (found) return found
  }
  return null
}

class LabkitPlaces {
  // plot: the view of a figure. axes: 1 for x, 2 for x and y. choose([x] or [x, y]): the reader chose; null to show marks only.
  constructor(plot, axes, choose) {
    Object.assign(this, { plot, axes, choose, marks: [] })
    this.element = document.createElement("div")
    this.element.dataset.labkit = "places"
    this.element.setAttribute("aria-hidden", "true") // readers without a pointer use the sliders of the question
    const style = { position: "absolute", zIndex: 5, overflow: "hidden", touchAction: "manipulation" }
    Object.assign(this.element.style, style, choose ? { cursor: "crosshair" } : { pointerEvents: "none" })
    if (choose) {
      this.element.onclick = (event) => choose(this.at(event))
      for (const kind of ["pointerdown", "pointerup", "dblclick"]) {
        this.element.addEventListener(kind, (event) => event.stopPropagation()) // a choice moves no particle
      }
    }
    plot.canvas_view.shadow_el.append(this.element)
    this.draw = () => this.fit()
    plot.repainted.connect(this.draw)
    this.fit()
  }

  get alive() { return this.element.isConnected && this.plot.el.isConnected }

  // [low, high] of each axis.
  get ends() {
    const { x_range, y_range } = this.plot.frame
    return [x_range, y_range].slice(0, this.axes).map(({ start, end }) => [Math.min(start, end), Math.max(start, end)])
  }

  // marks: {place: [x] or [x, y], kind: "mine" | "class" | "run"}.
  show(marks) {
    this.marks = marks
    this.fit(true)
  }

  remove() {
    this.plot.repainted.disconnect(this.draw)
    this.element.remove()
  }

  at(event) {
    const box = this.element.getBoundingClientRect(), { frame } = this.plot
    const x = frame.x_scale.invert(frame.bbox.left + ((event.clientX - box.left) / box.width) * frame.bbox.width)
    const y = frame.y_scale.invert(frame.bbox.top + ((event.clientY - box.top) / box.height) * frame.bbox.height)
    return [x, y].slice(0, this.axes)
  }

  fit(changed = false) {
    const { frame } = this.plot, { left, top, width, height } = frame.bbox
    const now = [left, top, width, height, ...this.ends.flat()].join()
    if (now === this.was && !changed) return
    this.was = now
    Object.assign(this.element.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` })
    this.element.replaceChildren(...this.marks.map(({ place, kind }) => {
      const mark = document.createElement("div"), [x, y] = place
      const colour = { mine: "#cc79a7", class: "#cc79a7", run: "#0072b2" }[kind]
      const across = frame.x_scale.compute(x) - left, strong = kind !== "class"
      Object.assign(mark.style, { position: "absolute", pointerEvents: "none", boxSizing: "border-box", opacity: strong ? 1 : 0.45 })
      const line = `${strong ? 4 : 3}px ${kind === "run" ? "dashed" : "solid"} ${colour}`
      if (this.axes === 1) Object.assign(mark.style, { left: `${across - 2}px`, top: 0, bottom: 0, width: 0, borderLeft: line })
      else {
        const down = frame.y_scale.compute(y) - top
        Object.assign(mark.style, { left: `${across - 11}px`, top: `${down - 11}px`, width: "22px", height: "22px", borderRadius: "50%", border: line })
      }
      return mark
    }))
  }
}

const labkitNumber = (value) => (value === 0 ? "0" : Math.abs(value) < 0.01 || Math.abs(value) >= 1e5
  ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replace("-", "\u2212")

// A coordinate of a place as text: from the middle of an image, which has no axes to read.
const labkitAt = (value, i, { middle = [], unit = "" } = {}) => {
  if (!middle.length) return labkitNumber(value)
  const far = value - middle[i], way = i ? (far > 0 ? "above" : "below") : far > 0 ? "right of" : "left of"
  return `${Math.round(10 * Math.abs(far)) / 10} ${unit} ${way} the middle`.replace("  ", " ")
}
const labkitPlace = (place, asked) => place.map((value, i) => labkitAt(value, i, asked)).join(", ")

// The range of a slider: an image begins at 0.
const labkitEnds = (places, { low, high, middle = [] }) => middle.length
  ? middle.map((at) => [at - Math.abs(at), at + Math.abs(at)])
  : places.ends.map((range, i) => (i === 0 && low !== null && high !== null ? [low, high] : range))

// Fields for a place that is chosen on a picture: a slider for each axis, which also work without a pointer.
// question: with its axes, middle and unit. changed([x] or [x, y]): the reader moved a slider.
const labkitSliders = (question, changed) => {
  const element = document.createElement("span"), fields = []
  element.className = "sliders"
  const image = Boolean(question.middle?.length)
  for (const name of (image ? ["across", "up"] : ["x", "y"]).slice(0, question.axes)) {
    const label = document.createElement("label"), field = document.createElement("input"), shown = document.createElement("output")
    Object.assign(field, { type: "range", min: 0, max: 1, step: "any", value: 0.5 })
    field.setAttribute("aria-label", `Place on the picture, ${name}`)
    field.oninput = () => changed(fields.map(({ field }) => Number(field.value)))
    field.onkeydown = (event) => {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key]
      if (!way) return
      event.preventDefault()
      field.value = Number(field.value) + (way * (Number(field.max) - Number(field.min))) / 100
      field.oninput()
    }
    label.append(...(image ? [] : [`${name} = `]), shown, field)
    element.append(label)
    fields.push({ field, shown })
  }
  let chosen = false
  const show = (place) => {
    chosen = Boolean(place)
    for (const [i, { field, shown }] of fields.entries()) {
      if (place) field.value = place[i]
      shown.textContent = place ? labkitAt(place[i], i, question) : image ? ["left or right", "up or down"][i] : "?"
      field.setAttribute("aria-valuetext", place ? labkitAt(place[i], i, question) : "no place yet")
    }
  }
  const span = (ends) => {
    for (const [i, { field }] of fields.entries()) {
      [field.min, field.max] = ends[i]
      if (!chosen) field.value = (ends[i][0] + ends[i][1]) / 2
    }
  }
  show(null)
  return { element, show, span }
}
