// Leaves out what BokehJS does again and again without an effect on these pages, a sixth of the browser's time. The list
// `labkitQuick` has what is replaced. Another BokehJS without such a method stays as it is.
globalThis.labkitQuick = []
const change = (module, name, method, make) => {
  let found
  try { found = Bokeh.require(module)[name]?.prototype } catch { return }
  if (!found?.[method]) return
  found[method] = make(found[method])
  labkitQuick.push(method)
}
// a picture asks CSS for every colour and width of its axes, 10,000 times per second of play; no style here has them
change("core/visuals/visual", "VisualProperties", "_get_css_value", () => () => "")
// two of three style sheets get the text that they already have; the browser would then compute the styles again
change("core/dom", "InlineStyleSheet", "_update", (update) => function (text) { if (this.css !== text) update.call(this, text) })
