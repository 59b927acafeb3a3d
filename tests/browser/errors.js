// Returns what moves or is invisible among the controls of a tab, one text each. The text of the step line may have up to
// three lines.
() => {
  const inside = (root) => [...root.querySelectorAll("*")]
    .flatMap((each) => each.shadowRoot ? [each, ...inside(each.shadowRoot)] : [each])
  const shown = inside(document).filter((each) => each.clientWidth)
  const found = new Set()
  const line = shown.find((each) => each.matches(".line")), play = shown.find((each) => each.matches(".play"))
  const text = line?.shadowRoot.querySelector(".text"), button = line?.shadowRoot.querySelector(".term")
  if (text && play) {
    if (line.clientWidth - text.parentElement.clientWidth > 40) found.add("the step line does not use its width")
    const before = text.innerHTML, top = () => Math.round(play.getBoundingClientRect().top)
    text.textContent = "word"
    const first = top()
    for (let n = 2; n < 22; n++) {
      text.textContent = Array(n).fill("word").join(" ")
      if (top() !== first) found.add("Play moves if the text of the step line is longer")
      const last = [...text.getClientRects()].at(-1), middle = button?.getBoundingClientRect()
      if (button && !((middle.top + middle.bottom) / 2 > last.top && (middle.top + middle.bottom) / 2 < last.bottom)) {
        found.add("the (i) of the step line has a line of its own")
      }
    }
    text.innerHTML = before
  }
  for (const title of shown.filter((each) => each.matches(".bk-slider-title") && each.nextElementSibling?.matches(".term"))) {
    const box = title.getBoundingClientRect(), term = title.nextElementSibling.getBoundingClientRect()
    if (term.top > box.bottom - 2) found.add(`the (i) of ${title.textContent} is below its word`)
  }
  for (const part of shown.filter((each) => each.matches(".bk-spin-btn-up, select.bk-input"))) {
    const ink = getComputedStyle(part.matches("select") ? part : part.parentElement.querySelector("input")).color
    const arrow = part.matches("select") ? getComputedStyle(part).backgroundImage : getComputedStyle(part, "::before").borderBottomColor
    if (!arrow.includes(ink)) found.add(`an arrow is ${arrow}, and its text ${ink}`)
  }
  const sliders = shown.filter((each) => each.matches(".slim") && !each.getRootNode().host.matches(".slim"))
  if (innerWidth <= 700 && new Set(sliders.map((each) => Math.round(each.getBoundingClientRect().bottom))).size > 1) {
    found.add("the sliders of the player have two rows on a phone")
  }
  return [...found]
}
