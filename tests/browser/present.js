// What a room sees of a presented page: texts below 24 px, lines below 4 px, and the place of each picture.
() => {
  const pixels = (size) => parseFloat(size) * (size.endsWith("pt") ? 4 / 3 : 1)
  const shown = (element) => element.checkVisibility({visibilityProperty: true, opacityProperty: true}) &&
    element.getBoundingClientRect().width > 1 && !getComputedStyle(element).clipPath.startsWith("inset(50%")
  const texts = []
  const read = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) read(each.shadowRoot)
      const own = [...each.childNodes].filter(({nodeType}) => nodeType === Node.TEXT_NODE).map(({data}) => data.trim()).join("")
      if (own && !each.matches("style, script") && shown(each)) texts.push([own, pixels(getComputedStyle(each).fontSize)])
    }
  }
  read(document.body)
  const lines = []
  const views = [...Bokeh.documents[0]._all_models.values()].filter(({type}) => type === "Figure")
    .map((figure) => Bokeh.index.find_one(figure)).filter((view) => view && shown(view.el))
  const pictures = views.map((view) => {
    const {above, below, left, right, renderers, title} = view.model, box = view.el.getBoundingClientRect()
    for (const panel of [...above, ...below, ...left, ...right]) {
      if (panel.type === "Legend") texts.push([panel.items.map((item) => item.label.value).join(), pixels(panel.label_text_font_size)])
      if (!panel.visible || !("major_label_text_font_size" in panel)) continue
      texts.push([`ticks of ${panel.axis_label}`, pixels(panel.major_label_text_font_size)])
      texts.push([panel.axis_label, pixels(panel.axis_label_text_font_size)])
    }
    if (title?.text) texts.push([title.text, pixels(title.text_font_size)])
    for (const {glyph, visible} of renderers) {
      if (!visible) continue
      if (glyph.text_font_size) texts.push([glyph.type, pixels(glyph.text_font_size.value)])
      if (!glyph.line_width || "size" in glyph) continue
      const {value, field, transform} = glyph.line_width
      lines.push([`${glyph.type} ${field ?? ""}`, field ? transform?.v_compute([0.1, 1, 2])[0] ?? 0 : value])
    }
    const pen = document.createElement("canvas").getContext("2d")
    pen.font = `${title?.text_font_style} ${title?.text_font_size} ${title?.text_font}`
    const title_ends = Math.max(0, ...(title?.text ?? "").split("\n").map((line) => view.frame.bbox.left + pen.measureText(line).width))
    return {main: view.el.classList.contains("main"), left: box.left, top: box.top, right: box.right, bottom: box.bottom, title_ends}
  })
  return {
    texts, pictures, lines, small: texts.filter(([, size]) => size < 24), thin: lines.filter(([, width]) => width < 4),
    page: [document.documentElement.scrollWidth, document.documentElement.scrollHeight],
  }
}
