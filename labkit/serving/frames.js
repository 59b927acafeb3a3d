// Writes the frames of this page into the sources of its pictures. They come past Bokeh's document, which would be slow.
{
  const PAUSE = 1000 // ms until the next try to connect: until then, the document has the frames
  const LATER = 50   // ms until the next search for a missing picture

  class Frames {
    constructor(address) {
      this.address = address
      this.layers = {}
      this.connect()
    }

    connect() {
      this.frame = null
      this.done = new Map() // id of a source -> the columns that it has
      const socket = this.socket = new WebSocket(this.address)
      socket.binaryType = "arraybuffer"
      socket.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.take(data))
      socket.onclose = () => setTimeout(() => this.connect(), PAUSE)
    }

    // reports to the server that the page has a viewer; returns whether that was possible
    beat() {
      if (this.socket.readyState !== WebSocket.OPEN) return false
      this.socket.send("beat")
      return true
    }

    told({ layers }) {
      this.layers = layers
      this.done.clear()
    }

    take(buffer) {
      this.frame = labkitPlayer.unpack(buffer, 0, this.frame)
      this.waiting ??= requestAnimationFrame(() => this.draw())
    }

    draw() {
      this.waiting = null
      if (this.frame?.status) document.dispatchEvent(new CustomEvent("labkit-line", { detail: this.frame.status }))
      const page = window.Bokeh?.documents?.[0]
      let missing = false
      for (const [place, ids] of Object.entries(this.layers)) {
        const columns = this.frame?.layers[place]
        for (const id of columns ? ids : []) {
          if (this.done.get(id) === columns) continue
          const source = page?.get_model_by_id(id)
          if (source) {
            this.done.set(id, columns)
            source.setv({ data: labkitPlayer.joined(source.data, columns) }, { sync: false, check_eq: false })
          } else missing = true
        }
      }
      if (missing) setTimeout(() => { this.waiting ??= requestAnimationFrame(() => this.draw()) }, LATER)
    }
  }

  addEventListener("load", () => {
    const address = new URL("./frames", location.href)
    address.protocol = address.protocol.replace("http", "ws")
    address.search = `?session=${encodeURIComponent(document.querySelector("meta[name=labkit-session]").content)}`
    globalThis.labkitFrames = new Frames(address)
  })
}
