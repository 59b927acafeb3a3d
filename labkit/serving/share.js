// The dialog *Share*: the link of this scene with its QR code, Python that repeats its run, and the recording.
{
  const find = (name) => document.querySelector(`#${name}`)
  const ask = (place, more) => fetch(place, {
    method: "POST", body: JSON.stringify({ session: document.querySelector("meta[name=labkit-session]").content, ...more }),
  })
  const isHere = (host) => /^(localhost|127\.[\d.]+|\[::1\])$/.test(host)
  const say = (text) => { find("share-status").textContent = text }

  // The link as other devices open it: this browser may know the server only as localhost.
  const link = () => {
    const here = new URL(location.href), address = find("share").dataset.address
    const found = address && isHere(here.hostname) ? new URL(`./${here.pathname.split("/").pop()}${here.search}`, address) : here
    const words = found.search.slice(1).split("&").filter((word) => word && !/^(present|state)=/.test(word))
    if (find("share-present").checked) words.push("present=1")
    found.search = words.join("&")
    found.hash = ""
    return found.href
  }

  // navigator.clipboard exists only on https and on this machine; elsewhere the text is selected and copied
  const copy = async (field, done) => {
    try {
      await navigator.clipboard.writeText(field.value)
      say(done)
    } catch {
      const before = document.activeElement
      field.select()
      const copied = document.execCommand("copy")
      if (copied) before.focus()
      say(copied ? done : "The browser does not let this page copy. The text is selected: press Ctrl+C.")
    }
  }

  const refresh = async () => {
    find("share-link").value = link()
    find("share-prepared").hidden = find("prepare-link").hidden = true
    const host = new URL(link()).hostname
    find("share-note").hidden = !isHere(host)
    find("share-note").textContent = "Other devices cannot open this link, because the server only listens on this machine. To " +
      "change that, start labkit serve --address 0.0.0.0"
    const code = document.querySelector("#sharing .code")
    try {
      const answer = await ask("./share", { link: link() }), found = await answer.json()
      if (!answer.ok) throw new Error(found.error)
      code.innerHTML = found.code
      if (!found.code) say("This link is too long for a QR code. Copy it instead.")
      const field = document.querySelector("#share-python textarea")
      field.value = found.python
      field.rows = found.python.split("\n").length
      find("prepare-link").hidden = !found.offered
      find("prepare-link").textContent = `Prepare for ${found.offered} visitors`
      find("share-python").hidden = !found.python
      find("share-file").hidden = !found.records
    } catch (error) {
      code.replaceChildren()
      find("share-python").hidden = find("share-file").hidden = true
      say(error.message)
    }
  }

  const prepare = async () => {
    try {
      const answer = await ask("./share/prepare", { link: link() }), found = await answer.json()
      if (!answer.ok) throw new Error(found.error)
      const minutes = Math.ceil(found.prepared / 15)
      find("share-prepared").hidden = false
      find("share-prepared").textContent = found.prepared
        ? `The server prepares this link, and no longer any other. Show it to the class after about ${minutes} minute${minutes === 1 ? "" : "s"}.`
        : "The server cannot prepare this link."
    } catch (error) { say(error.message) }
  }

  const save = async () => {
    say("Preparing the recording …")
    try {
      const answer = await ask("./share/labkit-run.html", {})
      if (!answer.ok) throw new Error((await answer.json()).error)
      const place = URL.createObjectURL(await answer.blob())
      Object.assign(document.createElement("a"), { href: place, download: "labkit-run.html" }).click()
      setTimeout(() => URL.revokeObjectURL(place), 10_000)
      say("Saved labkit-run.html")
    } catch (error) { say(error.message) }
  }

  addEventListener("DOMContentLoaded", () => {
    const dialog = find("sharing")
    find("share").onclick = () => {
      say("")
      find("share-present").checked = document.documentElement.dataset.present === "true"
      dialog.showModal()
      find("copy-link").focus()
      refresh()
    }
    find("share-present").onchange = refresh
    find("copy-link").onclick = () => copy(find("share-link"), "The link is copied.")
    find("prepare-link").onclick = prepare
    find("copy-python").onclick = () => copy(document.querySelector("#share-python textarea"), "The Python is copied.")
    find("save-recording").onclick = save
    dialog.onkeydown = (event) => event.stopPropagation() // the keys of the run do not act behind the dialog
    dialog.onclick = (event) => { if (event.target === dialog) dialog.close() } // the backdrop
  })
}
