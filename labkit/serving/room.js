// The page of a student in a room: the pictures of the teacher's page, the question, and who controls the run.
{
  const byId = (id) => document.getElementById(id)
  const room = document.body.dataset.name
  const made = (tag, attributes = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), attributes)
    element.append(...inside)
    return element
  }
  // A random word that stands for this browser, so that an answer can be changed and is counted once.
  const student = (() => {
    try {
      const kept = sessionStorage.getItem("labkit-student") || crypto.getRandomValues(new Uint32Array(3)).join("-")
      sessionStorage.setItem("labkit-student", kept)
      return kept
    } catch {
      return String(Math.random())
    }
  })()
  let told = { page: "", search: "", teacher: true }, frame = null, mine = null, asked = ""

  const say = (text, wrong = false) => {
    byId("news").textContent = text
    byId("news").classList.toggle("wrong", wrong)
  }
  const live = (text) => { byId("state").textContent = text }

  // Settings of the teacher's page, and the frame from which its state continues.
  const own = () => {
    if (!told.page) return
    const from = frame ? `${told.search ? "&" : "?"}state=${room}.${frame.number}` : ""
    location.assign(`../${told.page}${told.search}${from}`)
  }

  const ended = () => {
    live("ended")
    say("This class has ended, or it never began. Ask your teacher for the name of the class.", true)
    for (const id of ["foot", "vote", "drive", "lesson"]) byId(id).hidden = true
  }

  const answer = (value) => {
    mine = value
    watch.send({ kind: "answer", answer: value })
  }

  const words = (value) => (Array.isArray(value) ? labkitPlace(value, told.vote ?? {}) : value)

  const bars = (counts, title) => {
    const most = Math.max(1, ...counts.map(([, n]) => n))
    const rows = counts.flatMap(([text, n]) => {
      const bar = made("div")
      bar.style.width = `${(100 * n) / most}%`
      return [made("span", { textContent: text }), bar, made("span", { textContent: n })]
    })
    return made("div", { className: "bars" }, ...(title ? [made("h3", { textContent: title })] : []), ...rows)
  }

  // The place that the student chooses on the main picture, and those of the class.
  let sliders = null, places = null
  const choose = (at) => {
    answer(at)
    showPlaces(told.vote)
  }
  const showPlaces = (vote) => {
    const wanted = vote?.kind === "place"
    if (places && (!wanted || !places.alive || Boolean(places.choose) !== vote.open)) {
      places.remove()
      places = null
    }
    if (!wanted) return
    const plot = watch.pictures?.views[0]
    if (!places && plot?.frame?.bbox.width) {
      places = new LabkitPlaces(plot, vote.axes, vote.open ? choose : null)
      sliders?.span(labkitEnds(places, vote))
    }
    sliders?.show(mine)
    places?.show([
      ...vote.places.map((place) => ({ place, kind: "class" })),
      ...(mine ? [{ place: mine, kind: "mine" }] : []),
      ...(vote.place.length ? [{ place: vote.place, kind: "run" }] : []),
    ])
  }
  setInterval(() => { if (told.vote?.kind === "place") showPlaces(told.vote) }, 500) // pictures may be replaced at any time

  const form = (vote) => {
    if (vote.kind === "place") {
      if (!vote.open) return []
      sliders ??= labkitSliders(vote, choose)
      return [made("span", { textContent: "Tap the picture, or move the slider:" }), sliders.element]
    }
    sliders = null
    if (vote.choices.length) {
      return vote.choices.map((choice) => {
        const button = made("button", { type: "button", textContent: choice, disabled: !vote.open, onclick: () => answer(choice) })
        button.setAttribute("aria-pressed", String(choice === mine))
        return button
      })
    }
    const field = made("input", { type: "number", step: "any", disabled: !vote.open, value: mine ?? "" })
    field.setAttribute("aria-labelledby", "question")
    const send = () => { if (field.value !== "") answer(Number(field.value)) }
    byId("answers").onsubmit = (event) => { event.preventDefault(); send() }
    if (vote.low !== null) field.min = vote.low
    if (vote.high !== null) field.max = vote.high
    return [field, ...(vote.unit ? [made("span", { textContent: vote.unit })] : []), made("button", { type: "submit", className: "main", textContent: "Send", disabled: !vote.open })]
  }

  const showVote = (vote) => {
    byId("vote").hidden = !vote
    if (!vote) return showPlaces(null)
    const now = `${vote.text}/${vote.round}`
    if (now !== asked) {
      places?.remove() // those of the last question gave their axes to its sliders
      ;[asked, mine, sliders, places] = [now, null, null, null]
    }
    byId("question").textContent = vote.text + (vote.round > 1 ? " (second vote)" : "")
    const parts = form(vote)
    if (!vote.open || !sliders || sliders.element.parentElement !== byId("answers")) byId("answers").replaceChildren(...parts) // a slider keeps the focus
    byId("said").textContent = vote.said
    if (!vote.open) byId("told").textContent = vote.revealed ? "" : "The vote is closed."
    else if (mine === null) byId("told").textContent = "Your answer is anonymous. You can change it until the vote closes."
    const several = vote.counts.length > 1
    byId("counts").replaceChildren(...vote.counts.map((counts, i) => bars(counts, several ? `Vote ${i + 1}` : "")))
    showPlaces(vote)
  }

  const showLesson = (lesson) => {
    byId("lesson").hidden = !lesson
    if (!lesson) return
    byId("where").textContent = `${lesson.title} Step ${lesson.step + 1} of ${lesson.of}.`
    if (byId("text").textContent !== lesson.text) byId("text").textContent = lesson.text
  }

  const other = (message) => {
    if (message.kind === "room") {
      told = message
      live(message.teacher ? "live" : "waiting")
      say(message.teacher ? "" : "Your teacher's page is not open. The pictures continue when it is back.")
      showLesson(message.lesson)
      showVote(message.vote)
    } else if (message.kind === "answered") {
      byId("told").textContent = message.answer === null ? "This answer cannot be counted." : `Your answer: ${words(message.answer)}. You can change it.`
      if (told.vote) showVote(told.vote)
    } else if (message.kind === "drive") {
      byId("drive").hidden = !message.drive
      byId("hand").setAttribute("aria-pressed", "false")
      byId("hand").textContent = "Raise your hand"
    } else if (message.kind === "full") {
      watch.end()
      live("full")
      say(`${message.text} Reload the page later.`, true)
    } else if (message.kind === "end") {
      watch.end()
      ended()
    }
  }

  const shown = (newest) => {
    frame = newest
    byId("step").textContent = `step ${newest.step}` + (newest.status ? ` · ${newest.status}` : "")
    byId("sentence").textContent = newest.sentence
  }

  const linked = (open) => {
    if (open) {
      say("")
      watch.send({ kind: "hello", id: student })
    } else {
      live("")
      say("Connection lost. Trying again ...", true)
    }
  }

  const raise = () => {
    const up = byId("hand").getAttribute("aria-pressed") !== "true"
    byId("hand").setAttribute("aria-pressed", String(up))
    byId("hand").textContent = up ? "Lower your hand" : "Raise your hand"
    watch.send({ kind: "hand", up, name: byId("name").value })
  }

  const orders = { play: "Play", pause: "Pause", step: "Step", reset: "Reset" }
  byId("orders").append(...Object.entries(orders).map(([order, text]) =>
    made("button", { type: "button", textContent: text, onclick: () => watch.send({ kind: "order", order }) })))
  byId("own").onclick = byId("try").onclick = own
  byId("hand").onclick = raise

  const address = location.href.replace(/^http/, "ws").replace(/[?#].*/, "").replace(/\/$/, "") + "/socket"
  // BokehJS is large: the pictures and their first frame arrive while the browser reads it.
  const bokeh = new Promise((resolve) => {
    if (window.Bokeh) resolve()
    else byId("bokeh").addEventListener("load", resolve)
  })
  byId("bokeh").addEventListener("error", () => say("A part of this page did not arrive. Reload the page.", true))
  const watch = new labkitPlayer.Watch(byId("pictures"), address, { dark: isDark, other, linked, shown, bokeh })
  const recolour = () => watch.colour()
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour)
  if (document.body.dataset.exists === "false") {
    watch.end()
    ended()
  }
}
