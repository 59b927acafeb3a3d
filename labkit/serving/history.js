// Back and Forward of the browser on a page whose address changes.
//
// Panel adds an entry to the history for every change of the address, so a slider would fill it. Only another tab, and
// another step of a lesson, get an entry here. Panel also ignores Back and Forward; here they reach the page.
// The server writes only settings. What belongs to the browser stays: how the page is shown.
let labkitGo = () => {} // labkitGo("?lesson=NAME&step=2") goes to another step of a lesson
{
  const STEPS = ["lesson", "step"], OF_THE_BROWSER = ["present", "controls", "theme"]
  const words = (search) => search.replace(/^\?/, "").split("&").filter(Boolean)
  const isOwn = (word) => OF_THE_BROWSER.includes(word.split("=")[0])
  const add = history.pushState.bind(history), replace = history.replaceState.bind(history)
  const places = (address, names) => names.map((name) => address.searchParams.get(name)).join("/")

  history.pushState = (state, title, address) => {
    const here = new URL(location.href), next = new URL(address ?? "", here)
    next.search = [...words(next.search).filter((word) => !isOwn(word)), ...words(here.search).filter(isOwn)].join("&")
    if (next.href === here.href) return
    const differs = (names) => places(next, names) !== places(here, names)
    const act = differs(["tab"]) || (next.searchParams.has("lesson") && differs(STEPS)) ? add : replace
    act(state, title, next.href)
  }
  const tell = (search) => {
    const models = window.Bokeh?.documents.flatMap((each) => [...each._all_models.values()]) ?? []
    const place = models.find(({ type }) => type === "panel.models.location.Location")
    const settings = words(search).filter((word) => !isOwn(word)).join("&")
    if (place) place.search = settings && `?${settings}`
  }
  addEventListener("popstate", () => tell(location.search))
  labkitGo = tell
}
