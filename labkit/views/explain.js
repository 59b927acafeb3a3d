// A small button next to a term or a choice opens its line of the guide, with a link.
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
const show = (page, ...terms) => {
  const box = popover(page)
  box.replaceChildren(...terms.map(({term, text, place}) => {
    const line = page.createElement("p"), name = page.createElement("b"), link = page.createElement("a")
    line.style.margin = ".2rem 0"
    name.textContent = term
    link.textContent = "More in the guide"
    link.href = `./guide/${place}`
    link.style.color = "var(--mark, #0072b2)"
    line.append(name, `: ${text} `, link)
    return line
  }))
  box.showPopover()
}
const question = (page, term, style, more = () => []) => {
  const button = page.createElement("button")
  button.type = "button"
  button.textContent = "i"
  button.className = "term"
  button.dataset.term = term.term
  button.setAttribute("aria-label", `What does ${term.term} mean?`)
  button.style.cssText = ROUND + style
  button.addEventListener("click", () => show(page, term, ...more()))
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
const explainControl = (page, terms, choices, root, label) => {
  const place = root.querySelector(".bk-slider-title, label"), term = first(terms, label), list = root.querySelector("select")
  const chosen = () => choices.filter(({term, labels}) => term === list?.value && new RegExp(labels).test(label))
  const shown = term ?? chosen()[0], old = root.querySelector(".term")
  if (!place || !shown || old?.dataset.term === shown.term) return
  old?.remove()
  const corner = "position: absolute; right: 0; top: 0; margin: 0;"  // a line of its own would be too much
  if (list) place.parentElement.style.position = "relative"
  else besides(place)
  place.after(question(page, shown, list ? corner : "margin: 0 .4em; justify-self: start;", () => (term ? chosen() : [])))
}
// space next to a label, above the rest of its control
const besides = (label) => {
  Object.assign(label.parentElement.style, {display: "grid", gridTemplateColumns: "auto 1fr", alignItems: "center"})
  for (const part of label.parentElement.children) part.style.gridColumn = part === label ? 1 : "1 / -1"
}
// for each box of a list
const explainBoxes = (page, choices, root) => {
  for (const label of root.querySelectorAll(".bk-input-group label")) {
    const choice = choices.find(({term}) => term === label.textContent.trim())
    label.style.gridColumn = 1
    if (!choice || label.nextElementSibling?.matches(".term")) continue
    Object.assign(label.parentElement.style, {display: "grid", gridTemplateColumns: "auto 1fr", alignItems: "center"})
    label.after(question(page, choice, "margin: 0 .4em; justify-self: start;"))
  }
}
// for each term of the line with the step counter
const explainLine = (page, terms, host) => {
  const text = host.shadowRoot.textContent, found = terms.filter(({pattern}) => new RegExp(pattern).test(text))
  const names = found.map(({term}) => term).join()
  if ((host.dataset.terms ?? "") === names) return
  host.dataset.terms = names
  host.shadowRoot.querySelector(".term")?.remove()
  const line = host.shadowRoot.querySelector(".text")
  if (!line) return
  // the button is in the space after the last word, so both are in the same line
  line.style.paddingRight = found.length ? "27px" : ""
  if (found.length) line.after(question(page, found[0], "margin: 0 0 0 -22px;", () => found.slice(1)))
}
