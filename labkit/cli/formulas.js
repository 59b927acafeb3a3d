// Draws the formulas of a page, TeX between dollar signs, with the MathJax that comes with Bokeh.
addEventListener("DOMContentLoaded", async () => {
  const bytes = Uint8Array.from(atob(document.querySelector("#mathjax").textContent), (c) => c.charCodeAt(0))
  const script = document.createElement("script")
  script.textContent = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text()
  document.head.append(script)
  const { tex2svg } = Bokeh.require("models/text/mathjax")

  const drawn = (tex, display) => {
    const found = tex2svg(tex, { display })
    found.setAttribute("role", "img")
    found.setAttribute("aria-label", tex.trim())
    if (display) Object.assign(found.style, { display: "block", textAlign: "center", margin: "1em 0", overflowX: "auto" })
    return found
  }
  const replace = (node) => {
    const parts = node.textContent.split(/(\$\$[^$]+\$\$|\$[^$]+\$)/)
    if (parts.length < 2) return
    node.replaceWith(...parts.map((part, i) => {
      const display = part.startsWith("$$")
      return i % 2 ? drawn(part.slice(display ? 2 : 1, display ? -2 : -1), display) : part
    }))
  }
  for (const cell of document.querySelectorAll(".jp-RenderedMarkdown")) {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), texts = []
    while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("code, pre")) texts.push(walk.currentNode)
    texts.forEach(replace)
  }
  document.body.dataset.formulas = "drawn"
})
