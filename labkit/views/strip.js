
// The strip of a lesson. `places.js` comes before this text.
export function render({ model, el, view }) {
  const page = el.ownerDocument
  const made = (tag, attributes = {}, ...inside) => {
    const element = Object.assign(page.createElement(tag), attributes)
    element.append(...inside)
    return element
  }
  const button = (text, act, more = {}) => made("button", { type: "button", textContent: text, onclick: act, ...more })
  const send = (kind, more = {}) => model.send_msg({ kind, ...more })
  const go = (step) => { if (step >= 0 && step < now().of) send("go", { step }) }
  const now = () => model.told

  // what never changes

  const title = made("p", { className: "title" })
  const dots = made("span", { className: "dots" })
  dots.setAttribute("role", "group")
  dots.setAttribute("aria-label", "Steps of the lesson")
  const sentence = made("p", { className: "sentence" })
  sentence.setAttribute("aria-live", "polite")
  const asks = made("p", { className: "asks" })
  const question = made("div", { className: "question" })
  question.setAttribute("role", "group")
  const verdict = made("p", { className: "verdict" })
  verdict.setAttribute("role", "status")
  const play = button("Play", () => send("play"), { className: "play" })
  const again = button("Try again", () => go(now().step), { title: "Starts this step again" })
  const ask = button("Ask the class", () => {
    page.dispatchEvent(new CustomEvent("labkit-ask", { detail: { lesson: now().lesson, step: now().step } }))
  }, { title: "Makes this question the vote of your class" })
  const back = button("Back", () => go(now().step - 1), { title: "Back (B key)" })
  const next = button("Next", () => go(now().step + 1), { title: "Next (N key)" })
  const free = button("Explore freely", () => send("free"), { className: "quiet", title: "Leaves the lesson and keeps the settings" })
  const home = button("Back to the lesson", () => go(now().step), { className: "primary" })
  const acts = made("div", { className: "acts" }, play, again, ask)
  const todo = made("div", { className: "todo" }, asks, made("div", { className: "replies" }, question, acts))
  const body = made("div", { className: "body" }, made("div", { className: "head" }, title, dots), sentence, todo, verdict)
  const ways = made("div", { className: "ways" }, back, next, free)
  const unseen = made("p", { className: "hint unseen", textContent: "A presentation hides the settings. To change them, end it (P key)." })
  const away = made("div", { className: "away" }, made("span"), home)
  const strip = made("section", { tabIndex: -1 }, body, ways, unseen, away)
  strip.setAttribute("aria-label", "Lesson")

  // the question

  let shown = "", mine = null, sliders = null, places = null
  let sent = null // an answer without confirmation: a slider moves faster than its answers return
  const answer = (value) => {
    mine = value
    sent = JSON.stringify(value)
    send("answer", { answer: value })
    if (sliders) {
      sliders.show([value].flat())
      showPlaces()
    }
  }
  const choices = (asked) => asked.choices.map((text, i) => {
    const found = button(text, () => answer(text), { className: "choice" })
    found.prepend(made("kbd", { textContent: i + 1 }))
    return found
  })
  const number = (asked) => {
    const field = made("input", { type: "number", step: "any", required: true })
    if (asked.low !== null) field.min = asked.low
    if (asked.high !== null) field.max = asked.high
    field.setAttribute("aria-label", "Your prediction")
    const range = asked.low !== null && asked.high !== null ? `from ${asked.low} to ${asked.high}` : ""
    const form = made("form", {}, field, made("span", { textContent: [asked.unit, range].filter(Boolean).join(", ") }),
      made("button", { type: "submit", textContent: "Predict" }))
    form.onsubmit = (event) => {
      event.preventDefault()
      answer(Number(field.value))
    }
    return [form]
  }
  const place = (asked) => {
    sliders = labkitSliders(asked, (at) => answer(at))
    return [made("span", { className: "hint", textContent: "Tap the picture, or move the slider:" }), sliders.element]
  }

  // The marks on the picture, which may be replaced at any time.
  let answers = { places: [], axes: 1, place: [] } // of the class, once they are revealed
  const heard = ({ detail }) => {
    answers = detail
    showPlaces()
  }
  page.addEventListener("labkit-answers", heard)
  const showPlaces = () => {
    const { question: asked, verdict: said, free: off } = now()
    const wanted = asked?.kind === "place" && !off
    if (places && (!wanted || !places.alive || (said && places.choose))) {
      places.remove()
      places = null
    }
    if (!wanted) return
    const plot = places ? null : labkitMainPlot(view.root)
    if (plot?.frame?.bbox.width) {
      places = new LabkitPlaces(plot, asked.axes, said ? null : answer)
      sliders?.span(labkitEnds(places, asked))
      sliders?.show(mine && [mine].flat())
    }
    places?.show([
      ...(answers.axes === asked.axes ? answers.places.map((each) => ({ place: each, kind: "class" })) : []),
      ...(mine ? [{ place: [mine].flat(), kind: "mine" }] : []),
      ...(said?.place ? [{ place: said.place, kind: "run" }] : []),
    ])
  }
  const looks = setInterval(() => { if (places || now().question?.kind === "place") showPlaces() }, 300)

  const ask_again = (asked, key) => {
    shown = key
    sliders = sent = null
    places?.remove() // those of the last question take no answer after its verdict, and gave their axes to its sliders
    places = null
    mine = now().answer
    question.replaceChildren()
    question.hidden = asks.hidden = !asked
    if (!asked) return
    asks.textContent = asked.text
    question.setAttribute("aria-label", asked.text)
    question.append(...{ choice: choices, number, place }[asked.kind](asked))
  }

  // what changes

  const write = (element, text) => { if (element.textContent !== text) element.textContent = text }
  const active = () => strip.getRootNode().activeElement
  const onwards = () => (next.disabled ? strip : next).focus() // the focus moves when its element is hidden
  const number_the_dots = ({ of, step, title: name }) => {
    if (dots.childElementCount !== of) dots.replaceChildren(...Array.from({ length: of }, (_, i) => button(String(i + 1), () => go(i))))
    for (const [i, dot] of [...dots.children].entries()) {
      dot.setAttribute("aria-label", `Step ${i + 1} of ${of}`)
      dot.tabIndex = i === step ? 0 : -1
      if (i === step) dot.setAttribute("aria-current", "step")
      else dot.removeAttribute("aria-current")
    }
  }
  const show = () => {
    const told = now()
    if (!told.lesson) {
      if (model.keys) delete page.documentElement.dataset.lesson
      return
    }
    const { question: asked, verdict: said } = told
    for (const part of [body, ways]) part.hidden = told.free
    away.hidden = !told.free
    if (model.keys) page.documentElement.dataset.lesson = told.free ? "free" : "on"
    strip.classList.toggle("free", told.free)
    away.firstChild.textContent = `You explore freely. The lesson: ${told.title}`
    if (told.free) home.textContent = `Back to the lesson, step ${told.step + 1}`
    if (sent === JSON.stringify(told.answer) || told.problem || said) sent = null
    if (sent === null) mine = told.answer
    number_the_dots(told)
    write(title, told.title)
    write(sentence, told.text)
    const key = JSON.stringify([told.lesson, told.step, asked])
    if (key !== shown) {
      const inside = shown && strip.contains(active())
      ask_again(asked, key)
      if (asked && inside) strip.focus() // Tab then reaches the question first
    }
    const before = active()
    for (const each of question.querySelectorAll("button, input")) each.disabled = Boolean(said)
    for (const each of question.querySelectorAll(".choice")) {
      each.setAttribute("aria-pressed", String(each.lastChild.textContent === mine))
    }
    const field = question.querySelector("input[type=number]")
    if (field && typeof mine === "number") field.value = mine
    sliders?.show(mine === null ? null : [mine].flat())
    const steps = told.play === 1 ? "1 step" : `${told.play} steps`
    write(play, told.moves ? "Playing ..." : asked && mine === null ? `Just play ${steps}` : `Play ${steps}`)
    play.classList.toggle("primary", Boolean(told.play) && !told.played && (!asked || mine !== null))
    next.classList.toggle("primary", told.played && (!asked || Boolean(said)))
    play.hidden = !told.play || told.played
    again.hidden = !(told.played && told.play) && !said
    ask.hidden = !asked || Boolean(said) || !page.documentElement.dataset.class
    unseen.hidden = (told.step < told.of - 1 && !told.free) || page.documentElement.dataset.present !== "true"
    back.disabled = told.step === 0
    next.disabled = told.step === told.of - 1
    if (before && before !== strip && (before.hidden || before.disabled || !before.isConnected)) onwards()
    verdict.className = `verdict ${said ? (said.right === true ? "right" : said.right === false ? "not" : "run") : told.problem ? "problem" : ""}`
    const words = said ? [said.text, said.tell].filter(Boolean).join(" ") : told.problem || waiting(told)
    if (verdict.textContent !== words) {
      verdict.replaceChildren(...(said?.tell ? [`${said.text} `, made("span", { textContent: said.tell })] : [words]))
      if (said) verdict.scrollIntoView({ block: "nearest" }) // on a phone the reader may be at the pictures below
    }
    showPlaces()
  }
  const waiting = ({ question: asked, answer: given, play: steps, played }) => {
    if (!asked || given === null || played) return ""
    const unit = asked.unit && !asked.middle.length ? ` ${asked.unit}` : ""
    const words = asked.kind === "choice" ? given : labkitPlace([given].flat(), asked) + unit
    return `Your prediction: ${words}.` + (steps ? " Play, and the run gives its answer." : "")
  }

  // keys

  const focused = () => {
    let at = page.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return at
  }
  const key = (event) => {
    const told = now(), at = focused()
    if (!told.lesson || told.free || event.ctrlKey || event.metaKey || event.altKey) return
    if (at?.matches("textarea, select, [contenteditable=true], input:not([type=range]):not([type=checkbox])")) return
    if (event.key === "n" || event.key === "N") go(told.step + 1)
    else if (event.key === "b" || event.key === "B") go(told.step - 1)
    else if (/^[1-9]$/.test(event.key) && told.question?.kind === "choice" && !told.verdict) {
      const text = told.question.choices[Number(event.key) - 1]
      if (text === undefined) return
      answer(text)
    } else return
    event.preventDefault()
  }
  dots.onkeydown = (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!way) return
    event.preventDefault()
    const all = [...dots.children], to = all[all.indexOf(event.target) + way]
    to?.focus()
  }
  const keys = model.keys ? page : el
  keys.addEventListener("keydown", key)
  const classes = new MutationObserver(show)
  classes.observe(page.documentElement, { attributes: true, attributeFilter: ["data-class", "data-present"] })
  model.on("told", show)
  model.on("remove", () => {
    clearInterval(looks)
    classes.disconnect()
    page.removeEventListener("labkit-answers", heard)
    keys.removeEventListener("keydown", key)
    places?.remove()
  })
  show()
  if (model.keys && page.activeElement === page.body) setTimeout(() => strip.focus({ preventScroll: true }))
  return strip
}
