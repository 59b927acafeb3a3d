// The figures of a page, and the fit of all of them, also to the size of text on the page.
const models = () => (globalThis.Bokeh?.documents ?? []).flatMap((each) => [...each._all_models.values()])
const figures = () => models().filter(({type}) => type === "Figure").map((model) => Bokeh.index.find_one(model))
  .filter((view) => view?.el.isConnected && view.frame?.bbox)
const fitAll = () => {
  const scale = Number(getComputedStyle(document.documentElement).getPropertyValue("--plot-scale")) || 1
  const views = figures()
  makeRoom(views)
  for (const view of views) fitFigure(view, scale)
}
