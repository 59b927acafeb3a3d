// A button that takes one file. It checks the size, makes a large picture smaller, and sends the file in base64.
export function render({model, el}) {
  const page = el.ownerDocument, window = page.defaultView
  const box = page.createElement("div"), label = page.createElement("label"), input = page.createElement("input")
  const said = page.createElement("div"), look = {font: "13px/1.4 system-ui, sans-serif"}
  Object.assign(box.style, {...look, padding: "4px 0"})
  Object.assign(label.style, {...look, display: "inline-block", padding: "6px 10px", borderRadius: "6px", cursor: "pointer",
    border: "1px solid #8a9097", position: "relative"})
  label.textContent = model.label
  label.title = model.words
  Object.assign(input, {type: "file", accept: model.accept})
  input.setAttribute("aria-label", model.label)
  Object.assign(input.style, {position: "absolute", inset: "0", opacity: "0", width: "100%", cursor: "pointer"})
  input.addEventListener("focus", () => { label.style.outline = "3px solid #0072b2" })
  input.addEventListener("blur", () => { label.style.outline = "none" })
  said.setAttribute("role", "status")
  label.append(input)
  box.append(label)
  if (model.example) {
    const link = page.createElement("a")
    link.textContent = "Example file"
    link.download = model.example_name
    link.href = "data:text/csv;charset=utf-8," + encodeURIComponent(model.example)
    Object.assign(link.style, {marginLeft: "12px", color: "inherit", whiteSpace: "nowrap"})
    box.append(link)
  }
  box.append(said)

  const smaller = async (file) => {
    const picture = await window.createImageBitmap(file), scale = Math.min(1, 512 / Math.max(picture.width, picture.height))
    const sheet = page.createElement("canvas")
    sheet.width = Math.max(1, Math.round(scale * picture.width))
    sheet.height = Math.max(1, Math.round(scale * picture.height))
    sheet.getContext("2d").drawImage(picture, 0, 0, sheet.width, sheet.height)
    return await new Promise((done) => sheet.toBlob(done, "image/png"))
  }
  const send = async (file) => {
    const content = model.picture ? await smaller(file) : file
    if (content.size > model.most) {
      said.textContent = `${file.name} has ${(content.size / 1e6).toFixed(1)} MB; at most ${model.most / 1e6} MB are read`
      return
    }
    const reader = new window.FileReader()
    reader.onload = () => model.send_msg({kind: "file", name: file.name, content: reader.result.split(",")[1] ?? ""})
    reader.readAsDataURL(content)
  }
  input.addEventListener("change", () => {
    const file = input.files[0]
    input.value = ""  // so that the same file can be chosen again
    if (!file) return
    said.textContent = "Reading ..."
    send(file).catch(() => { said.textContent = `${file.name} cannot be read as a picture; choose a PNG or JPEG file` })
  })
  model.on("msg:custom", ({kind, text}) => { if (kind === "said") said.textContent = text })
  el.append(box)
}
