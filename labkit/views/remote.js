// The browser's side of a live view: heartbeat, keys, colour scheme, saved files.
export function render({model, el}) {
  const page = el.ownerDocument
  const dark = preference()
  const reduced = matchMedia("(prefers-reduced-motion: reduce)")
  const send = (kind, more = {}) => model.send_msg({kind, ...more})
  const hello = (kind) => send(kind, {dark: isDark(page), reduced: reduced.matches})

  const look = () => {
    const side = model.keys && page.querySelector("aside")
    dress(model.basic)
    wear(page, sheets.all)
    if (side) wear(side, sheets.side)
    if (side) page.documentElement.toggleAttribute("data-has-basic", model.basic.length > 0)
  }
  // a picture may miss a change of colours, for example while the browser still builds it; then it could not be read
  const faded = () => figures().some(({model: {title}}) =>
    title && (parseInt(title.text_color.slice(1, 3), 16) > 128) !== isDark(page))
  let fadedBefore = false
  const beat = () => {
    if (!el.isConnected || page.visibilityState !== "visible") return
    const now = faded()
    if (now && fadedBefore) hello("faded")
    fadedBefore = now
    if (!(model.keys && globalThis.labkitFrames?.beat())) hello("beat")  // only live views of a page have its websocket
    name()
    describe()
    look()
    if (model.keys) explain(page, model.terms)
  }
  const timer = setInterval(beat, 1000)

  // keys act only while no control has the focus; in a notebook all keys belong to the notebook
  const focused = () => {
    let at = page.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return at && at.matches("input, select, textarea, button, summary, a, [contenteditable=true], [role=slider]")
  }
  const keys = {" ": "space", ArrowRight: "right", ArrowLeft: "left", r: "r", R: "r"}
  const key = (event) => {
    const name = keys[event.key]
    if (!name || !model.keys || event.ctrlKey || event.metaKey || event.altKey || focused()) return
    event.preventDefault()
    send("key", {name})
  }
  // Bokeh's sliders and boxes have no tooltip, and no name for screen readers: give every control both
  const words = (element) => element?.textContent.split(":")[0].trim()
  // the title of a slider of listed values is in the previous element; the slider itself has only the number of the value
  const listed = (host, inside) => inside.querySelector(".noUi-handle") && !words(inside.querySelector(".bk-slider-title"))
    ? host.previousElementSibling?.shadowRoot?.querySelector(".bk-clearfix, div") : null
  const labelled = (host, inside) =>
    words(inside.querySelector(".bk-slider-title, label, input[type=checkbox] + *")) || words(listed(host, inside))
  const name = (root = page) => {
    for (const each of root.querySelectorAll("*")) {
      if (!each.shadowRoot) continue
      const inside = each.shadowRoot
      const value = listed(each, inside)?.textContent.split(":").slice(1).join(":").trim()
      if (value) inside.querySelector(".noUi-handle").setAttribute("aria-valuetext", value)
      for (const part of inside.querySelectorAll(".bk-btn-group .bk-btn")) part.ariaPressed = part.classList.contains("bk-active")
      if (model.keys && inside.querySelector("input[type=checkbox]")) explainBoxes(page, model.choices, inside)
      if (model.keys && each.matches(".line")) explainLine(page, model.terms, each)
      const label = labelled(each, inside)
      if (label) {
        if (model.keys && inside.querySelector("select, .bk-slider-title")) explainControl(page, model.terms, model.choices, inside, label)
        const tip = model.tips[label]
        if (tip && each.title !== tip) each.title = tip
        for (const part of inside.querySelectorAll(".noUi-handle, input, select")) {
          if (!part.closest("label")) part.ariaLabel ??= label // a box in a list has its own label
          if (tip) part.ariaDescription ??= tip
        }
        for (const [i, part] of inside.querySelectorAll(".bk-spin-btn").entries()) {
          part.ariaLabel ??= `${label}: ${i ? "less" : "more"}`
        }
      }
      name(inside)
    }
  }
  // what the pictures show, for screen readers
  const spoken = page.createElement("div")
  spoken.setAttribute("aria-live", "polite")
  Object.assign(spoken.style, {position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)", whiteSpace: "nowrap"})
  const edited = spoken.cloneNode()  // what an edit did
  el.append(spoken, edited)
  const describe = () => {
    const {"": sentence, ...texts} = model.words
    if (spoken.textContent !== sentence) spoken.textContent = sentence ?? ""
    for (const view of figures()) {
      const id = view.model.id, text = texts[id], surface = view.canvas_view?.events_el
      if (!surface) continue
      const keys = model.keys && model.editable[id]
      if (text && keys) grasp(surface, text, keys, (name, far) => send("edit", {figure: id, name, far}))
      else if (text) {
        surface.setAttribute("role", "img")
        surface.setAttribute("aria-label", text)
      }
      if (model.keys && !grasped.has(surface)) surface.tabIndex = -1  // no key does anything there
    }
  }
  model.on("words", describe)
  model.on("editable", describe)
  let waits = 0
  const refit = () => { cancelAnimationFrame(waits); waits = requestAnimationFrame(fitAll) }
  const often = setInterval(() => { relabel(); refit() }, 400)  // pictures come one by one, and get new texts
  addEventListener("resize", refit)
  const seen = () => beat()
  const bye = () => send("bye")
  const recolour = () => hello("scheme")
  const after = () => setTimeout(name, 300)  // a slider that moved has written the number of its value
  page.addEventListener("input", typed, true)
  page.addEventListener("keydown", key)
  page.addEventListener("keyup", after)
  page.addEventListener("visibilitychange", seen)
  addEventListener("pagehide", bye)
  dark.addEventListener("change", recolour)
  const watch = new MutationObserver(recolour)
  watch.observe(page.documentElement, {attributes: true, attributeFilter: ["data-dark"]})
  const relook = new MutationObserver(() => { look(); refit() })
  relook.observe(page.documentElement, {attributes: true, attributeFilter: ["data-present", "data-controls", "data-lesson"]})

  model.on("msg:custom", ({kind, filename, mime, data}) => {
    if (kind === "say") edited.textContent = data
    if (kind !== "save") return
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
    const link = page.createElement("a")
    link.href = URL.createObjectURL(new Blob([bytes], {type: mime}))
    link.download = filename
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  })
  model.on("remove", () => {
    clearInterval(timer)
    clearInterval(often)
    removeEventListener("resize", refit)
    page.removeEventListener("input", typed, true)
    page.removeEventListener("keydown", key)
    page.removeEventListener("keyup", after)
    page.removeEventListener("visibilitychange", seen)
    removeEventListener("pagehide", bye)
    dark.removeEventListener("change", recolour)
    watch.disconnect()
    relook.disconnect()
  })
  hello("hello")
  setTimeout(() => { name(); look() }, 300)
}
