"""A line of text that changes several times a second while a run plays."""

import param
from panel.custom import JSComponent

LINES, SPACING = 3, 1.25  # lines of text that always have space, and the height of one as a multiple of the font's


class Readout(JSComponent):
    """Shows `value` as HTML in one fixed element.

    With Panel's own text, or an element as wide as its text, Bokeh computes the layout again at every change. Each
    costs a tenth of the browser's time. This one uses the free space of its row. It always has the height of `LINES`
    lines, so that a longer text moves nothing.
    """

    value = param.String("")

    styles = param.Dict(
        {
            "flex": "1 1 230px",
            "font-variant-numeric": "tabular-nums",
            "line-height": f"{SPACING}",
            "height": f"{LINES * SPACING}em",
            "display": "flex",
            "align-items": "center",
        }
    )

    _esm = """
    export function render({model, el}) {
      const line = el.ownerDocument.createElement("div"), text = el.ownerDocument.createElement("span")
      text.className = "text"
      el.style.flex = line.style.flex = "1"  // both: otherwise the text uses a part of the row only
      line.append(text)
      const show = () => { text.innerHTML = model.value }
      const told = ({ detail }) => { text.innerHTML = detail }  // by labkit's frames, more often than by the model
      model.on("value", show)
      document.addEventListener("labkit-line", told)
      model.on("remove", () => document.removeEventListener("labkit-line", told))
      show()
      return line
    }
    """


class Hint(JSComponent):
    """Shows `value` as HTML. In a notebook, a changed text of Panel's own would load style sheets again."""

    value = param.String("")

    _esm = """
    export function render({model, el}) {
      const text = el.ownerDocument.createElement("div")
      const show = () => { text.innerHTML = model.value }
      model.on("value", show)
      show()
      return text
    }
    """
