// Plays a recording: draws frames into pictures made by BokehJS. frames.py and columns.py write the messages.
// Needs legends.js and fit.js.
const labkitPlayer = (() => {
  "use strict"
  const SPEEDS = [1, 2, 5, 8, 10, 20, 40] // frames per second
  const NAN = 65535
  const TYPES = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array }
  const padded = (size) => size + (-size & 3)

  // messages

  // A column from the bytes at a place: [values, the place after it].
  const column = (head, buffer, at) => {
    if (head.text) return [head.text, at]
    if (head.each) {
      const values = []
      for (const part of head.each) {
        const [value, next] = array(part, buffer, at)
        values.push(value)
        at = next
      }
      return [values, at]
    }
    return array(head, buffer, at)
  }
  const array = (head, buffer, at) => {
    const n = head.shape.reduce((a, b) => a * b, 1)
    let values = new TYPES[head.type](buffer, at, n)
    at = padded(at + values.byteLength)
    if ("by" in head) {
      const { low, by, log } = head
      let level = 0
      values = Float32Array.from(values, (difference) => {
        level = (level + difference) & 0xffff
        return level === NAN ? NaN : log ? Math.exp(low + by * level) : low + by * level
      })
    }
    if (head.shape.length === 1) return [values, at]
    const { ndarray } = Bokeh.require("core/util/ndarray")
    return [ndarray(values, { dtype: values instanceof Float32Array ? "float32" : head.type, shape: head.shape }), at]
  }

  const textOf = (buffer, at, n) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, at, n)))

  // The head of a message, and the place after it.
  const headOf = (buffer, start) => {
    const size = new DataView(buffer).getUint32(start, true)
    return [textOf(buffer, start + 4, size), start + 4 + size]
  }

  // The frame of a message, with all columns of all layers: those of the frame before that did not change are shared.
  const unpack = (buffer, start, before) => {
    const [{ layers, ...frame }, next] = headOf(buffer, start)
    let at = next
    frame.layers = frame.key ? {} : { ...before.layers }
    for (const [picture, layer, columns] of layers) {
      const place = `${picture}/${layer}`, found = {}
      for (const [name, head] of columns) [found[name], at] = column(head, buffer, at)
      frame.layers[place] = joined(frame.layers[place] ?? {}, found)
    }
    return frame
  }
  const lengthOf = (values) => (values.shape ? values.shape[0] : values.length)
  // Columns of another length are left out.
  const joined = (old, found) => {
    const rows = Math.max(0, ...Object.values(found).map(lengthOf))
    const kept = Object.entries(old).filter(([, values]) => lengthOf(values) === rows)
    return { ...Object.fromEntries(kept), ...found }
  }

  // Whether a row has finite numbers only. An image counts as one.
  const hasRow = (columns) => {
    const numbers = Object.values(columns).filter((values) => ArrayBuffer.isView(values))
    if (!numbers.length) return Object.values(columns).some(lengthOf)
    return numbers[0].some((_, i) => numbers.every((values) => Number.isFinite(values[i])))
  }

  // pictures

  // Wait until a picture was drawn once, so that its axes have numbers; but not for long if it is not on screen.
  const painted = (view) => new Promise((resolve) => {
    view.repainted?.connect(() => resolve())
    setTimeout(resolve, 1000)
  })

  class Pictures {
    // element: the grid. declared: the `pictures` of the declaration.
    constructor(element, declared) {
      this.element = element
      this.declared = declared
      this.sources = {} // "picture/layer" -> [source and its first columns]
      this.shown = {} // "picture/layer" -> the columns that its sources hold now
      this.colours = []
      this.documents = []
      this.views = [] // of the figures
      this.following = [] // of each picture, the ranges of axes that follow its data
    }

    // each: called whenever one more picture is there.
    async embed(each = () => {}) {
      if (this.declared.length === 1) this.element.classList.add("alone")
      for (const [i, { item, place, shape, layers, colours }] of this.declared.entries()) {
        const room = this.element.children[i] ?? document.createElement("div")
        room.id = `labkit-picture-${i}`
        room.className = `${shape} ${place}`
        this.element.append(room)
        const views = await Bokeh.embed.embed_item(item, room.id)
        const made = views.roots[0].model.document
        this.documents.push(made)
        this.views.push(views.roots[0])
        views.roots[0].repainted?.connect(() => fitFigure(views.roots[0]))
        const { x_range, y_range } = views.roots[0].model
        const following = [x_range, y_range].filter((range) => range?.type === "DataRange1d")
        this.following.push(following)
        if (following.length) await painted(views.roots[0]) // other axes have numbers from the start
        for (const [layer, ids] of Object.entries(layers)) {
          const sources = ids.map((id) => made.get_model_by_id(id)).filter(Boolean)
          this.sources[`${i}/${layer}`] = sources.map((source) => ({ source, first: { ...source.data } }))
        }
        for (const [id, named] of Object.entries(colours)) {
          const model = made.get_model_by_id(id)
          if (model) this.colours.push([model, named])
        }
        each()
      }
    }

    colour(dark) {
      for (const [model, named] of this.colours) {
        model.setv(Object.fromEntries(Object.entries(named).map(([name, both]) => [name, both[Number(dark)]])))
      }
    }

    draw(frame) {
      for (const [i, room] of [...this.element.children].entries()) room.hidden = frame.empty?.includes(i) ?? false
      // Without a row such axes would have no numbers, which BokehJS reports as an error: they stay as they were.
      for (const [i, ranges] of this.following.entries()) {
        const layers = Object.entries(frame.layers).filter(([place]) => place.startsWith(`${i}/`))
        const kept = !layers.some(([, columns]) => hasRow(columns))
        for (const range of ranges) range.have_updated_interactively = kept
      }
      for (const [place, columns] of Object.entries(frame.layers)) {
        if (this.shown[place] === columns || !this.sources[place]) continue
        this.shown[place] = columns
        for (const { source, first } of this.sources[place]) source.data = joined(first, columns)
      }
    }
  }

  // controls

  const made = (tag, attributes = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), attributes)
    element.append(...inside)
    return element
  }

  class Player {
    // place: its element. frames: all of the recording. pictures: not embedded yet.
    constructor(place, frames, fps) {
      this.frames = frames
      this.position = 0
      this.playing = false
      this.fps = fps
      this.build(place)
    }

    build(place) {
      const button = (text, label, title, act) => {
        const found = made("button", { type: "button", textContent: text, title, onclick: act })
        found.setAttribute("aria-label", label)
        return found
      }
      this.button = button("Play", "Play", "Play or pause (space bar)", () => this.toggle())
      this.button.className = "play"
      this.back = button("◀ Step", "One frame back", "One frame back (left arrow key)", () => this.seek(this.position - 1))
      this.once = button("Step ▶", "One frame on", "One frame on (right arrow key)", () => this.seek(this.position + 1))
      this.scrub = made("input", { type: "range", min: 0, max: this.frames.length - 1, value: 0, step: 1 })
      this.scrub.setAttribute("aria-label", "Frame")
      this.scrub.oninput = () => this.seek(Number(this.scrub.value))
      const speeds = [...new Set([...SPEEDS, this.fps])].sort((a, b) => a - b)
      const options = speeds.map((v) => made("option", { value: v, textContent: v, selected: v === this.fps }))
      this.speed = made("select", {}, ...options)
      this.speed.onchange = () => { this.fps = Number(this.speed.value) }
      this.status = made("p", { className: "status" })
      this.sentence = made("p", { className: "sentence" })
      this.heard = made("p", { className: "heard" }) // for screen readers, which would not keep up with every frame
      this.heard.setAttribute("role", "status")
      this.heard.setAttribute("aria-live", "polite")
      this.grid = made("div", { className: "pictures" })
      const bar = made("div", { className: "bar" }, this.button, this.back, this.once,
        made("div", { className: "place" }, this.scrub), made("label", {}, "Frames per second", this.speed))
      place.replaceChildren(bar, this.status, this.sentence, this.heard, this.grid)
      addEventListener("keydown", (event) => this.press(event))
    }

    press(event) {
      const on = event.target, control = on.closest?.("button, select, input")
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const act = {
        " ": () => this.toggle(),
        ArrowLeft: () => this.seek(this.position - 1),
        ArrowRight: () => this.seek(this.position + 1),
        Home: () => this.seek(0),
        End: () => this.seek(this.frames.length - 1),
      }[event.key]
      // a list keeps its own keys, and the space bar presses the button that has the focus
      if (!act || control?.matches("select") || (event.key === " " && control?.matches("button"))) return
      event.preventDefault()
      act()
    }

    toggle() { this.playing ? this.pause() : this.play() }

    play() {
      if (this.position >= this.frames.length - 1) this.show(0)
      this.playing = true
      this.label()
      let last = performance.now(), due = 0
      const tick = (now) => {
        if (!this.playing) return
        due += Math.min(Math.max(now - last, 0), 250) * this.fps / 1000 // a tab that was hidden does not jump ahead
        last = now
        const whole = Math.floor(due)
        due -= whole
        if (whole) this.show(Math.min(this.position + whole, this.frames.length - 1))
        if (this.position >= this.frames.length - 1) this.pause()
        else requestAnimationFrame(tick)
      }
      requestAnimationFrame(tick)
    }

    pause() {
      this.playing = false
      this.label()
      this.tell()
    }

    seek(position) {
      this.show(Math.min(Math.max(position, 0), this.frames.length - 1))
      this.pause()
    }

    label() {
      const text = this.playing ? "Pause" : "Play"
      this.button.textContent = text
      this.button.setAttribute("aria-label", text)
    }

    tell() { this.heard.textContent = [this.status.textContent, this.sentence.textContent].filter(Boolean).join(". ") }

    show(position) {
      const frame = this.frames[position]
      this.position = position
      this.scrub.value = position
      this.scrub.setAttribute("aria-valuetext", `step ${frame.step}`)
      this.status.textContent = `step ${frame.step}` + (frame.status ? ` · ${frame.status}` : "")
      this.sentence.textContent = frame.sentence
      this.pictures?.draw(frame)
    }
  }

  // the live channel

  const PAUSES = [250, 500, 1000, 2000] // ms until the next try to connect

  // Follows a channel: embeds what is declared, and draws the newest frame at most once for each refresh of the screen.
  class Watch {
    // grid: the element for the pictures. address: of the websocket. dark: () -> whether the page is dark.
    // other: called with every other message. linked: called with whether the websocket is open.
    // bokeh: a promise of BokehJS, which may still load while the first messages arrive.
    constructor(grid, address, { dark, other, linked, shown, bokeh = Promise.resolve() }) {
      Object.assign(this, { grid, address, dark, other, linked, shown })
      this.tries = 0
      this.early = [] // frames that arrived before BokehJS
      this.queue = bokeh.then(() => {
        const early = this.early
        this.early = null
        for (const buffer of early) this.take(buffer)
      })
      this.connect()
    }

    connect() {
      this.socket = new WebSocket(this.address)
      this.socket.binaryType = "arraybuffer"
      this.socket.onopen = () => { this.tries = 0; this.restart(); this.linked(true) }
      this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.take(data))
      this.socket.onclose = () => {
        if (this.ended) return
        this.linked(false)
        const pause = PAUSES[Math.min(this.tries++, PAUSES.length - 1)]
        setTimeout(() => this.connect(), pause * (0.7 + 0.6 * Math.random())) // a class does not come back all at once
      }
    }

    end() {
      this.ended = true
      this.socket.close()
    }

    send(message) { if (this.socket.readyState === 1) this.socket.send(JSON.stringify(message)) }

    told(message) {
      if (message.kind !== "declaration") return this.other(message)
      this.restart()
      this.pictures = null
      this.queue = this.queue.then(() => this.embed(message))
    }

    // The next frame must be a key frame.
    restart() {
      this.frame = null
      if (this.early) this.early = []
    }

    async embed(declared) {
      const made = document.createElement("div")
      made.className = this.grid.className
      made.id = this.grid.id
      const pictures = new Pictures(made, declared.pictures)
      for (const old of this.models ?? []) old.clear() // the documents of the pictures before
      const still = this.grid.querySelector(".still") // a picture that covers the first one until this is there
      if (still) made.append(still.parentElement)
      this.grid.replaceWith(made)
      this.grid = made
      this.models = pictures.documents
      await pictures.embed(() => { // the first picture does not wait for the others
        still?.remove()
        pictures.colour(this.dark())
        this.pictures = pictures
        this.draw()
      })
    }

    take(buffer) {
      if (this.early) return this.early.push(buffer)
      if (!this.frame && !headOf(buffer, 0)[0].key) return // a frame that only changes another one
      this.frame = unpack(buffer, 0, this.frame)
      if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw() })
    }

    draw() {
      if (!this.frame || !this.pictures) return
      this.pictures.draw(this.frame)
      this.shown(this.frame)
    }

    colour() { this.pictures?.colour(this.dark()) }
  }

  // the file

  const inflated = async (selector) => {
    const bytes = Uint8Array.from(atob(document.querySelector(selector).textContent), (c) => c.charCodeAt(0))
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer()
  }

  // The blocks of a recording: the declaration, and the frames.
  const read = (buffer) => {
    const view = new DataView(buffer)
    let declaration = null, at = 0
    const frames = []
    while (at < buffer.byteLength) {
      const size = view.getUint32(at, true)
      if (declaration) frames.push(unpack(buffer, at + 4, frames.at(-1)))
      else declaration = textOf(buffer, at + 4, size)
      at += 4 + size
    }
    return { declaration, frames }
  }

  const open = async (place, bokeh, recording) => {
    const fail = (text) => place.replaceChildren(made("p", { className: "wrong", textContent: text }))
    if (!("DecompressionStream" in window)) {
      fail("This browser is too old to play recordings. Open the file in a newer browser.")
      return
    }
    try {
      const [script, buffer] = await Promise.all([inflated(bokeh), inflated(recording)])
      document.head.append(made("script", { textContent: new TextDecoder().decode(script) }))
      const { declaration, frames } = read(buffer)
      const player = new Player(place, frames, declaration.fps)
      player.pictures = new Pictures(player.grid, declaration.pictures)
      await player.pictures.embed()
      const dark = matchMedia("(prefers-color-scheme: dark)")
      const colour = () => player.pictures.colour(dark.matches)
      dark.addEventListener("change", colour)
      colour()
      player.show(0)
      place.dataset.ready = "true"
      const { frameElement } = window // in a page with other things, the frame becomes as high as the recording
      const fit = () => { frameElement.style.height = `${document.documentElement.offsetHeight + 8}px` }
      if (frameElement) new ResizeObserver(fit).observe(document.documentElement)
      if (matchMedia("(prefers-reduced-motion: reduce)").matches || frames.length < 2) player.pause()
      else player.play()
    } catch (error) {
      fail(`The recording could not be played: ${error.message}`)
      throw error
    }
  }

  return { open, unpack, joined, Watch }
})()
