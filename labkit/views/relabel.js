// Bokeh's button misses a change of its label while the browser still builds its view, and two changes at once may end
// in the wrong order. Then the view must read the label again.
const relabel = () => {
  for (const button of models().filter(({css_classes}) => css_classes?.includes("play"))) {
    const shown = Bokeh.index.find_one(button)?.button_el
    if (shown && shown.textContent.trim() !== button.label) button.properties.label.change.emit()
  }
}
