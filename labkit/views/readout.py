"""A line of text that changes several times a second while a run plays."""

import param
from panel.custom import JSComponent


class Readout(JSComponent):
    """Shows `value`, HTML of its own making, in the element that it has.

    Panel's own text would have Bokeh lay out the page anew at every change, and so would an element as wide as its
    text: a tenth of the browser's time each. This one takes what room its row has left.
    """

    value = param.String("")

    styles = param.Dict({"flex": "1 1 300px", "font-variant-numeric": "tabular-nums"})

    _esm = """
    export function render({model, el}) {
      const line = el.ownerDocument.createElement("div")
      const show = () => { line.innerHTML = model.value }
      model.on("value", show)
      show()
      return line
    }
    """
