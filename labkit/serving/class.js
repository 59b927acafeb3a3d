// The teacher's side of a room, on every page: opens it, shows its address, asks questions, lets a student drive.
//
// The server keeps the room by its name. This browser keeps key and name for this visit, so that the room is back as
// soon as the page is back after a restart of the server.
{
  const made = (tag, attributes = {}, ...inside) => {
    const element = Object.assign(document.createElement(tag), attributes)
    element.append(...inside)
    return element
  }
  const button = (text, act, more = {}) => made("button", { type: "button", textContent: text, onclick: act, ...more })
  const kept = {
    read: () => { try { return JSON.parse(sessionStorage.getItem("labkit-class")) || {} } catch { return {} } },
    write: (value) => { try { sessionStorage.setItem("labkit-class", JSON.stringify(value)) } catch { /* this page only */ } },
  }

  class Class {
    constructor(panel, { address }) {
      Object.assign(this, { panel, address })
      this.session = document.querySelector("meta[name=labkit-session]").content
      this.title = made("h2", { textContent: "Class" })
      this.words = made("p", { className: "wrong" })
      this.words.setAttribute("role", "alert")
      this.body = made("div")
      const close = button("×", () => this.toggle(false), { title: "Hide; the class continues" })
      close.setAttribute("aria-label", "Hide")
      panel.replaceChildren(made("header", {}, this.title, close), this.words, this.body)
      const { key, name } = kept.read()
      if (name) this.open(key, name)
      else this.ask()
    }

    toggle(show = this.panel.hidden) {
      this.panel.hidden = !show
      if (show) this.body.querySelector("input, button")?.focus()
    }

    ask() {
      const key = made("input", { type: "password", autocomplete: "off", required: true })
      const form = made("form", {}, made("label", {}, "Teacher's key, from the terminal of labkit serve", key),
        made("button", { type: "submit", className: "main", textContent: "Open a class" }))
      form.onsubmit = (event) => {
        event.preventDefault()
        this.open(key.value, "")
      }
      this.body.replaceChildren(made("p", { textContent: "Others see what you see here, on any device." }), form)
    }

    async open(key, name) {
      this.words.textContent = ""
      try {
        const body = JSON.stringify({ key, name, session: this.session })
        const answer = await fetch("./room", { method: "POST", body })
        const found = await answer.json()
        if (!answer.ok) throw new Error(found.error)
        this.key = key
        this.name = found.name
        kept.write({ key, name: this.name })
        document.documentElement.dataset.class = this.name
        this.show()
        this.connect()
      } catch (error) {
        this.words.textContent = error.message
        kept.write({})
        this.ask()
        this.toggle(true)
      }
    }

    connect() {
      const base = new URL(`./room/${this.name}/socket`, location.href)
      base.protocol = base.protocol.replace("http", "ws")
      base.search = `?key=${encodeURIComponent(this.key)}`
      this.socket = new WebSocket(base)
      this.socket.onmessage = ({ data }) => this.hear(JSON.parse(data))
      this.socket.onclose = () => { if (this.name) setTimeout(() => this.connect(), 1000) }
    }

    send(kind, more = {}) { this.socket.send(JSON.stringify({ kind, ...more })) }

    show() {
      const place = new URL(`./room/${this.name}`, this.address ? new URL(this.address) : location.href).href
      const code = made("img", { src: `./room/${this.name}/qr.svg?at=${encodeURIComponent(place)}`, alt: `QR code of ${place}` })
      const path = made("span", { textContent: `room/${this.name}` })  // on a phone the address breaks before it
      const server = place.slice(0, -path.textContent.length)
      const link = made("a", { href: place, target: "_blank" }, server, made("wbr"), path)
      this.count = made("p", { textContent: "0 follow" })
      this.hands = made("ul")
      this.vote = made("div")
      this.title.textContent = `Class ${this.name}`
      this.body.replaceChildren(
        code, made("p", { className: "address" }, link),
        this.count, this.hands, this.vote, this.lessons(), this.question(),
        made("p", { className: "row" },
          made("a", { href: `./room/${this.name}/answers.csv?key=${encodeURIComponent(this.key)}`, textContent: "Save answers (CSV)" }),
          button("End the class", () => this.end())),
      )
    }

    // A question that a lesson asks on the open tab. The page goes to its step, because the run there judges the answers.
    lessons() {
      this.offered = made("select", {})
      const form = made("form", { hidden: true }, made("label", {}, "A question of a lesson", this.offered),
        made("button", { type: "submit", className: "main", textContent: "Ask this question" }))
      form.onsubmit = (event) => {
        event.preventDefault()
        const [lesson, step] = JSON.parse(this.offered.value)
        labkitGo(`?lesson=${lesson}&step=${step + 1}`)
        this.askLesson({ lesson, step })
      }
      return form
    }

    offer(questions) {
      const now = JSON.stringify(questions)
      if (now === this.offers) return
      this.offers = now
      this.offered.form.hidden = !questions.length
      this.offered.replaceChildren(...questions.map(({ lesson, step, text }) =>
        made("option", { value: JSON.stringify([lesson, step]), textContent: text })))
    }

    askLesson({ lesson, step }) {
      this.words.textContent = ""
      this.send("ask", { lesson, step })
    }

    question() {
      const text = made("input", { required: true, maxLength: 200, placeholder: "Where will the particles stop?" })
      const choices = made("input", { placeholder: "left; right; both" })
      const kinds = made("select", {}, ...Object.entries({ 0: "a choice or a number", 1: "a place along x", 2: "a place in the plane" })
        .map(([value, textContent]) => made("option", { value, textContent })))
      const form = made("form", {}, made("label", {}, "Question", text), made("label", {}, "The answer is", kinds),
        made("label", {}, "Choices, separated by semicolons; leave empty for a number", choices),
        made("button", { type: "submit", className: "main", textContent: "Ask" }))
      kinds.onchange = () => { choices.parentElement.hidden = kinds.value !== "0" }
      form.onsubmit = (event) => {
        event.preventDefault()
        this.words.textContent = ""
        this.send("ask", {
          text: text.value, place: Number(kinds.value),
          choices: choices.value.split(";").map((each) => each.trim()).filter(Boolean),
        })
      }
      return form
    }

    hear(message) {
      if (message.kind === "wrong") this.words.textContent = message.text
      if (message.kind !== "class") return
      this.count.textContent = message.followers === 1 ? "1 follows" : `${message.followers} follow`
      const driver = message.driver
      const rows = message.hands.map(({ id, name }) =>
        made("li", {}, `${name || "A student"} raises a hand `, button("Let this student drive", () => this.send("drive", { id }))))
      if (driver) rows.unshift(made("li", {}, `${driver.name || "A student"} drives `, button("Take back", () => this.send("drive"))))
      this.hands.replaceChildren(...rows)
      this.vote.replaceChildren(...(message.vote ? this.result(message.vote) : []))
      this.offer(message.questions)
      const { places = [], place = [] } = message.vote?.revealed ? message.vote : {}
      document.dispatchEvent(new CustomEvent("labkit-answers", { detail: { places, axes: message.vote?.axes, place } }))
    }

    result(vote) {
      const state = vote.revealed ? "revealed" : vote.open ? "open" : "closed"
      const acts = [
        vote.open && button("Close the vote", () => this.send("stop")),
        !vote.revealed && button("Reveal", () => this.send("reveal")),
        !vote.open && button("Vote again", () => this.send("again")),
      ].filter(Boolean)
      const counts = vote.revealed ? vote.counts.at(-1).map(([text, n]) => `${text}: ${n}`).join(", ") : ""
      const votes = vote.votes === 1 ? "1 vote" : `${vote.votes} votes`
      return [made("p", { textContent: `"${vote.text}" · ${state} · ${votes}` }),
        ...(counts ? [made("p", { textContent: counts })] : []), ...(vote.said ? [made("p", { textContent: vote.said })] : []), made("p", { className: "row" }, ...acts)]
    }

    end() {
      this.send("end")
      this.name = ""
      delete document.documentElement.dataset.class
      kept.write({})
      this.title.textContent = "Class"
      this.ask()
    }
  }

  const begin = () => {
    const turn = document.querySelector("#class"), panel = document.querySelector("#classroom")
    if (!turn) return
    let teacher = null
    const start = () => { teacher ??= new Class(panel, panel.dataset) }
    turn.onclick = () => {
      start()
      teacher.toggle()
      turn.setAttribute("aria-expanded", String(!panel.hidden))
    }
    document.addEventListener("labkit-ask", ({ detail }) => teacher?.askLesson(detail)) // from the strip of a lesson
    if (kept.read().name) start() // after a restart of the server, or on another page
  }
  addEventListener("DOMContentLoaded", begin)
}
