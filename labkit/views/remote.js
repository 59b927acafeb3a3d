// The browser's side of a live view: says that somebody looks, forwards keys, follows the colour scheme, saves files.
export function render({model, el}) {
  const page = el.ownerDocument
  const dark = matchMedia("(prefers-color-scheme: dark)")
  const reduced = matchMedia("(prefers-reduced-motion: reduce)")
  const scheme = () => {
    const set = page.documentElement.dataset.scheme || page.body?.dataset.jpThemeLight
    return set === "dark" || set === "false" || (!["light", "true"].includes(set) && dark.matches)
  }
  const send = (kind, more = {}) => model.send_msg({kind, ...more})
  const hello = (kind) => send(kind, {dark: scheme(), reduced: reduced.matches})

  const beat = () => { if (el.isConnected && page.visibilityState === "visible") { send("beat"); name() } }
  const timer = setInterval(beat, 1000)

  // a key acts only while no control has the focus; in a notebook keys belong to the notebook
  const focused = () => {
    let at = page.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return at && at.matches("input, select, textarea, button, summary, a, [contenteditable=true], [tabindex], [role=slider]")
  }
  const keys = {" ": "space", ArrowRight: "right", ArrowLeft: "left", r: "r", R: "r"}
  const key = (event) => {
    const name = keys[event.key]
    if (!name || !model.keys || event.ctrlKey || event.metaKey || event.altKey || focused()) return
    event.preventDefault()
    send("key", {name})
  }
  // Bokeh's slider handles carry no name of their own: give them that of their title
  const name = (root = page) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) name(each.shadowRoot)
      if (each.classList?.contains("noUi-handle") && !each.ariaLabel) {
        const title = each.getRootNode().querySelector(".bk-slider-title")
        if (title) each.ariaLabel = title.textContent.split(":")[0].trim()
      }
    }
  }
  const seen = () => beat()
  const recolour = () => hello("scheme")
  page.addEventListener("keydown", key)
  page.addEventListener("visibilitychange", seen)
  dark.addEventListener("change", recolour)
  const watch = new MutationObserver(recolour)
  watch.observe(page.documentElement, {attributes: true, attributeFilter: ["data-scheme"]})

  model.on("msg:custom", ({kind, filename, mime, data}) => {
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
    page.removeEventListener("keydown", key)
    page.removeEventListener("visibilitychange", seen)
    dark.removeEventListener("change", recolour)
    watch.disconnect()
  })
  hello("hello")
  setTimeout(name, 300)
}
