// The browser's side of a live view: heartbeat, keys, colour scheme, saved files.
export function render({model, el}) {
  const page = el.ownerDocument
  const dark = matchMedia("(prefers-color-scheme: dark)")
  const reduced = matchMedia("(prefers-reduced-motion: reduce)")
  const scheme = () => {
    const page_says = page.documentElement.dataset.dark, lab_says = page.body?.dataset.jpThemeLight
    return page_says ? page_says === "true" : lab_says ? lab_says === "false" : dark.matches
  }
  const send = (kind, more = {}) => model.send_msg({kind, ...more})
  const hello = (kind) => send(kind, {dark: scheme(), reduced: reduced.matches})

  const beat = () => { if (el.isConnected && page.visibilityState === "visible") { hello("beat"); name() } }
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
  const labelled = (host, inside) => {
    const own = words(inside.querySelector(".bk-slider-title, label, input[type=checkbox] + *"))
    const handle = inside.querySelector(".noUi-handle")  // the title of a slider of listed values is in the previous element
    return own || (handle && words(host.previousElementSibling?.shadowRoot?.querySelector(".bk-clearfix, div")))
  }
  const name = (root = page) => {
    for (const each of root.querySelectorAll("*")) {
      if (!each.shadowRoot) continue
      const inside = each.shadowRoot
      const label = labelled(each, inside)
      if (label) {
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
  const seen = () => beat()
  const bye = () => send("bye")
  const recolour = () => hello("scheme")
  page.addEventListener("keydown", key)
  page.addEventListener("visibilitychange", seen)
  addEventListener("pagehide", bye)
  dark.addEventListener("change", recolour)
  const watch = new MutationObserver(recolour)
  watch.observe(page.documentElement, {attributes: true, attributeFilter: ["data-dark"]})

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
    removeEventListener("pagehide", bye)
    dark.removeEventListener("change", recolour)
    watch.disconnect()
  })
  hello("hello")
  setTimeout(name, 300)
}
