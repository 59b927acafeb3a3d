// Back and Forward of the browser on a page whose address changes.
//
// Panel adds an entry to the history for every change of the address, so a slider would fill it. Only another step of a
// lesson gets an entry here. Panel also ignores Back and Forward; here they reach the page.
let labkitGo = () => {} // labkitGo("?lesson=NAME&step=2") goes to another step of a lesson
{
  const STEPS = ["lesson", "step"]
  const add = history.pushState.bind(history), replace = history.replaceState.bind(history)
  const places = (address) => STEPS.map((name) => address.searchParams.get(name)).join("/")

  history.pushState = (state, title, address) => {
    const next = new URL(address ?? "", location.href)
    if (next.href === location.href) return
    const moves = next.searchParams.has("lesson") && places(next) !== places(new URL(location.href))
    const act = moves ? add : replace
    act(state, title, address)
  }
  const tell = (search) => {
    const models = window.Bokeh?.documents.flatMap((each) => [...each._all_models.values()]) ?? []
    const place = models.find(({ type }) => type === "panel.models.location.Location")
    if (place) place.search = search
  }
  addEventListener("popstate", () => tell(location.search))
  labkitGo = tell
}
