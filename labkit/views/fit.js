// Fits the texts of a picture to its width: titles break into lines, legends use as many columns as fit, and sizes follow
// a scale. A plane stays square. The server does not get these changes. Needs legends.js.
const fitFigure = (() => {
  const asMade = new WeakMap()  // model -> its properties as the server sends them
  const asFitted = new WeakMap()  // model -> their values here
  const pen = document.createElement("canvas").getContext("2d")

  const made = (model, name, value) => {
    const own = asMade.get(model) ?? {}, ours = asFitted.get(model)
    if (!(name in own) || !same(value, ours?.[name])) own[name] = value  // a change that is not ours comes from the server
    asMade.set(model, own)
    return own[name]
  }
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
  const put = (model, name, value) => {
    asFitted.set(model, {...asFitted.get(model), [name]: value})
    if (!same(model[name], value)) model.setv({[name]: value}, {sync: false})
  }
  const sized = (size, scale) => {
    const found = /^([\d.]+)(px|pt)$/.exec(size)
    return found ? `${Math.round(100 * found[1] * scale * (found[2] === "pt" ? 4 / 3 : 1)) / 100}px` : size
  }
  const width = (text, size, style, font) => {
    pen.font = `${style} ${size} ${font}`
    return pen.measureText(text).width
  }
  // a property of a glyph is a value, or a column of numbers, which has its own size
  const glyphSize = (glyph, name, change) => {
    const now = glyph[name]
    if (now && typeof now === "object" && "value" in now) put(glyph, name, {...now, value: change(made(glyph, name, now).value)})
  }
  // widths in a column, which the server changes, pass through a function of the browser
  const widened = new WeakMap()  // glyph -> the scale of its function
  const widen = (glyph, scale, least) => {
    const {field} = glyph.line_width ?? {}
    if (!field || (widened.get(glyph) ?? 1) === scale) return
    widened.set(glyph, scale)
    const ends = least ? {x: [0, least / scale, 100], y: [least, least, 100 * scale]} : {x: [0, 100], y: [0, 100 * scale]}
    const transform = new (Bokeh.Models.get("LinearInterpolator"))(ends)
    glyph.setv({line_width: {field, transform}}, {sync: false})
  }

  const lines = (text, room, measure) => {
    const found = [""]
    for (const word of text.split(" ")) {
      const longer = found.at(-1) ? `${found.at(-1)} ${word}` : word
      if (found.at(-1) && measure(longer) > room) found.push(word)
      else found[found.length - 1] = longer
    }
    return found.join("\n")
  }
  const columns = (legend, texts, size, room) => {
    for (let n = Math.min(texts.length, legend.orientation === "horizontal" ? texts.length : 4); n > 1; n--) {
      const rows = Math.ceil(texts.length / n)
      let whole = 0
      for (let at = 0; at < texts.length; at += rows) {
        const widest = Math.max(...texts.slice(at, at + rows).map((text) => width(text, size, "normal", "helvetica")))
        whole += legend.glyph_width + legend.label_standoff + widest + legend.spacing
      }
      if (whole <= room) return n
    }
    return 1
  }

  // BokehJS makes new canvases for the samples of a legend, also in a picture that is hidden, and paints nothing into them
  const sampled = new WeakMap()  // view of a legend -> its entries when it was painted last
  const sample = (view, legend) => {
    const shown = view.views.find_one(legend)
    if (!shown?.el.clientWidth || sampled.get(shown) === shown.entries) return
    sampled.set(shown, shown.entries)
    view.request_repaint()
  }

  // names at the ends of lines need space to their right: the x axis is extended until the widest one fits
  const GAP = 6  // px between a short axis's line and its name
  const plain = (property) => property !== null && typeof property === "object" ? property.value : property
  const namesEnd = (view, {glyph, data_source: {data}}) => {
    const texts = data[glyph.text?.field], at = data[glyph.x?.field]
    if (glyph.type !== "Text" || plain(glyph.text_align) !== "left" || !texts || !at) return -Infinity
    const log = view.model.x_scale.type === "LogScale", start = view.model.x_range.start
    const share = (text) => {  // of the axis, left of the text; in steps, because numbers in it change
      const needed = width(text, plain(glyph.text_font_size), plain(glyph.text_font_style), plain(glyph.text_font))
      return Math.max(.4, 1 - Math.ceil((needed + GAP) / 8 + 1) * 8 / view.frame.bbox.width)
    }
    const end = (text, i) => log ? start * (at[i] / start) ** (1 / share(text)) : start + (at[i] - start) / share(text)
    return Math.max(...Array.from(texts, end))
  }
  const makeRoomForNames = (view) => {
    const range = view.model.x_range
    const found = view.model.renderers.filter(({glyph}) => glyph).map((each) => [each.glyph, namesEnd(view, each)])
    const names = found.filter(([, end]) => Number.isFinite(end)), before = made(range, "end", range.end)
    const end = Math.max(before, ...names.map(([, end]) => end))
    if (!names.length || range.type !== "Range1d") return
    put(range, "end", end)
    for (const [glyph] of names) put(glyph, "x_offset", {value: end > before ? GAP : 0})  // not on the end of the line
  }

  // A legend with more lines takes height from the frame of a plane: the space at its right takes as much width.
  const makeSquare = ({ model, el, frame: { bbox } }) => {
    const least = made(model, "min_border_right", model.min_border_right)
    put(model, "min_border_right", Math.max(least, Math.round(el.clientWidth - bbox.left - bbox.height)))
  }
  const squared = new WeakSet()
  const keepSquare = (view) => {
    makeSquare(view)
    if (squared.has(view)) return
    squared.add(view)
    view.repainted.connect(() => makeSquare(view))
  }

  // view: of the figure. scale: of texts, lines and marks.
  const fit = (view, scale = 1) => {
    const figure = view.model, whole = view.el.clientWidth
    if (!whole || !view.frame?.bbox) return  // hidden, or without a layout yet
    const { left } = view.frame.bbox
    calmLegends(view)
    const text = (model, name) => put(model, name, sized(made(model, name, model[name]), scale))
    for (const axis of [...figure.above, ...figure.below, ...figure.left, ...figure.right]) {
      if ("major_label_text_font_size" in axis) {
        text(axis, "major_label_text_font_size")
        text(axis, "axis_label_text_font_size")
      }
      if (axis.type === "Legend") {
        text(axis, "label_text_font_size")
        const texts = axis.items.map((item) => item.label?.value ?? "")
        put(axis, "ncols", columns(axis, texts, axis.label_text_font_size, whole - left - 8))
        sample(view, axis)
      }
    }
    const title = figure.title
    if (title?.text) {
      text(title, "text_font_size")
      const words = made(title, "text", title.text)
      const measure = (line) => width(line, title.text_font_size, title.text_font_style, title.text_font)
      put(title, "text", lines(words.replaceAll("\n", " "), whole - left - 6, measure))
    }
    for (const renderer of figure.renderers) {
      const glyph = renderer.glyph
      if (!glyph) continue
      if ("text_font_size" in glyph) glyphSize(glyph, "text_font_size", (size) => sized(size, scale))
      if ("line_width" in glyph) {
        const least = scale > 1.5 && !("size" in glyph) ? 4 : 0  // not for the edge of a mark
        glyphSize(glyph, "line_width", (size) => Math.max(least, size * scale))
        widen(glyph, scale, least)
      }
      if ("size" in glyph) glyphSize(glyph, "size", (size) => size * scale)
    }
    makeRoomForNames(view)
    if (view.el.closest(".plane")) keepSquare(view)
  }

  return fit
})()
