// A small button next to a term opens its line of the glossary, with a link to the guide.
const ROUND = "font: italic 700 13px/1 Georgia, serif; width: 20px; height: 20px; padding: 0; border-radius: 50%; cursor: help;" +
  "color: var(--mark, #0072b2); background: var(--card, #ffffff); border: 1px solid currentColor;"

const popover = (page) => {
  let box = page.querySelector("#term")
  if (!box) {
    box = page.createElement("div")
    box.id = "term"
    box.setAttribute("popover", "auto")
    Object.assign(box.style, {maxWidth: "min(26rem, 90vw)", padding: ".8rem 1rem", border: "1px solid var(--soft, #55616a)", borderRadius: "10px",
      color: "var(--ink, #1d2429)", background: "var(--card, #ffffff)", font: "inherit", margin: "auto"})
    page.body.append(box)
  }
  return box
}
const show = (page, {term, text, place}) => {
  const box = popover(page), name = page.createElement("b"), link = page.createElement("a")
  name.textContent = term
  link.textContent = "More in the guide"
  link.href = `./guide/glossary#${place}`
  link.style.color = "var(--mark, #0072b2)"
  box.replaceChildren(name, `: ${text} `, link)
  box.showPopover()
}
const question = (page, term, style) => {
  const button = page.createElement("button")
  button.type = "button"
  button.textContent = "i"
  button.className = "term"
  button.dataset.term = term.term
  button.setAttribute("aria-label", `What does ${term.term} mean?`)
  button.style.cssText = ROUND + style
  button.addEventListener("click", () => show(page, term))
  return button
}
const first = (terms, text) => terms.find(({pattern}) => new RegExp(pattern).test(text))

// for each picture, by its title and the label of its vertical axis; for each control, by its label
const explain = (page, terms) => {
  for (const view of figures()) {
    const {title, left} = view.model, root = view.el.shadowRoot
    const text = [title?.text ?? "", ...left.map((axis) => axis.axis_label ?? "")].join(" "), term = first(terms, text)
    const old = root.querySelector(".term")
    if (old?.dataset.term === term?.term) continue
    old?.remove()
    if (term) root.append(question(page, term, "position: absolute; left: 2px; top: 2px; z-index: 10;"))
  }
}
const explainControl = (page, terms, root, label) => {
  const place = root.querySelector(".bk-slider-title, label"), term = first(terms, label)
  if (place && term && !root.querySelector(".term")) place.after(question(page, term, "margin: 0 .4em; align-self: start;"))
}
