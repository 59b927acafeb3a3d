// Prepares a walk through a page with the Tab key, which may be held. `walk.start()` goes to the last control and returns
// their number. The next Tab notes the control that the one before has reached, and `walk.wrong()` notes the last one and
// returns what is wrong, one text each.
() => {
  const CONTROLS = "button, input, select, textarea, summary, a[href], [tabindex]"
  const every = (root) => [...root.querySelectorAll("*")].flatMap((each) => [each, ...(each.shadowRoot ? every(each.shadowRoot) : [])])
  const isStop = (e) => e.matches(CONTROLS) && e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true})
    && !(e.type === "radio" && !e.checked)  // arrow keys reach the others of its group
  const named = (e) => [e.ariaLabel, e.labels?.[0]?.textContent, e.textContent, e.title].map((text) => text?.trim().slice(0, 50)).find(Boolean)
  const name = (e) => named(e) ?? `${e.localName}.${e.className}`
  const look = (e) => {
    const {outlineStyle, outlineWidth, outlineColor, boxShadow} = getComputedStyle(e)
    return [outlineStyle === "none" ? "none" : `${outlineWidth} ${outlineColor}`, boxShadow].join()
  }
  const part = (e) => {
    let at = e
    while (at && !at.matches("header, aside, main")) at = at.parentElement ?? at.getRootNode().host
    return at?.localName
  }
  const numbers = (text) => (text.replaceAll(",", "").match(/-?\d+(\.\d+)?(e[-+]?\d+)?/g) ?? []).map(Number)
  const announces = (e) => {
    const title = e.getRootNode().querySelector(".bk-slider-title")?.textContent.split(":").at(-1) ?? ""
    const [shown, spoken] = [title, e.getAttribute("aria-valuetext") ?? ""].map(numbers)
    return spoken.length && (!shown.length || Math.abs(shown[0] - spoken[0]) < 0.01 * Math.abs(shown[0]) + 1e-9)
  }

  let controls = [], before = new Map(), stops = [], pressed = 0
  const press = ({key}) => { if (key === "Tab" && pressed++) note() }
  const note = () => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    stops.push({at, name: name(at), named: named(at), look: look(at)})
  }
  const isBack = (one, other) => {
    if (!other || part(one) !== part(other)) return false
    const [now, last] = [one, other].map((e) => e.getBoundingClientRect())
    return now.bottom <= last.top && now.left < last.right
  }
  window.walk = {
    start: () => {
      stops = []
      pressed = 0
      controls = every(document).filter(isStop)
      before = new Map(controls.map((e) => [e, look(e)]))
      document.addEventListener("keydown", press, true)
      controls.at(-1).focus()
      return controls.length
    },
    wrong: () => {
      document.removeEventListener("keydown", press, true)
      note()
      document.activeElement.blur()
      const seen = stops.filter(({at}) => at !== document.body), reached = new Set(seen.map(({at}) => at))
      return [
        ...controls.filter((e) => e.isConnected && !reached.has(e)).map((e) => `not reached: ${name(e)}`),
        ...seen.filter(({named}) => !named).map(({name}) => `no name: ${name}`),
        ...seen.filter(({at, look}) => look === before.get(at)).map(({name}) => `no visible focus: ${name}`),
        ...seen.filter((one, i) => isBack(one.at, seen[i - 1]?.at)).map(({name}) => `not in the order of the page: ${name}`),
        ...controls.filter((e) => e.matches(".noUi-handle") && !(e.role === "slider" && announces(e))).map((e) => `no value: ${name(e)}`),
      ]
    },
  }
}
