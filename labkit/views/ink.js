// Gives the frames of still figures the colours of a light or a dark page.
export function render({model, el}) {
  const page = el.ownerDocument, dark = preference()
  const paint = () => {
    for (const [id, ...colours] of model.frames) {
      for (const shown of Bokeh.documents) shown.get_model_by_id(id)?.setv(colours[isDark(page) ? 1 : 0])
    }
  }
  const themes = new MutationObserver(paint)
  themes.observe(page.body, {attributes: true, attributeFilter: ["data-jp-theme-light"]})
  dark.addEventListener("change", paint)
  model.on("frames", paint)
  model.on("remove", () => { themes.disconnect(); dark.removeEventListener("change", paint) })
  paint()
}
