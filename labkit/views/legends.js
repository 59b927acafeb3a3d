// BokehJS makes a legend again whenever the data of its picture change, with empty samples until the next paint: they
// would flicker while a run plays. This makes the legends of a figure again only for other labels and another look.
const calmLegends = (() => {
  const calmed = new WeakSet()
  const calm = (shown) => {
    const { render, _render_items: items } = shown
    let whole = false
    shown.render = () => {
      whole = true
      render.call(shown)
      whole = false
    }
    shown._render_items = () => { if (whole || shown._should_rerender_items) items.call(shown) }
  }
  return ({ model, views }) => {
    for (const legend of [...model.above, ...model.below, ...model.left, ...model.right, ...model.center]) {
      const shown = legend.type === "Legend" && views.find_one(legend)
      if (!shown || calmed.has(shown)) continue
      calmed.add(shown)
      calm(shown)
    }
  }
})()
