// A busy server needs seconds to build a tab. Until its pictures come, those of the old tab are pale, and a line says
// what opens.
{
  const WAIT = 300 // ms, so that a quick server shows no line
  const LONGEST = 60_000 // ms
  const models = () => (window.Bokeh?.documents ?? []).flatMap((each) => [...each._all_models.values()])
  const room = () => models().find(({ css_classes }) => css_classes?.includes("open-tab"))

  addEventListener("click", (event) => {
    const path = event.composedPath().filter((each) => each instanceof Element)
    const button = path.find((each) => each.matches(".bk-btn:not(.bk-active)"))
    const model = button && path.some((each) => each.matches(".tabs")) && room()
    if (!model) return
    const old = model.children[0], host = Bokeh.index.find_one(model)?.el, began = Date.now()
    const line = Object.assign(document.createElement("p"), { className: "opening", textContent: `Opening ${button.textContent.trim()} …` })
    line.setAttribute("role", "status")
    const look = setInterval(() => {
      const since = Date.now() - began
      if (room()?.children[0] !== old || since > LONGEST) {
        clearInterval(look)
        line.remove()
        host?.style.removeProperty("opacity")
      } else if (since > WAIT && !line.isConnected) {
        document.body.append(line)
        host?.style.setProperty("opacity", "0.25")
      }
    }, 50)
  }, true) // before Bokeh marks the new button as active
}
