// Bokeh's button misses a change of its label while the browser still builds its view. This runs at each change, waits
// for the view, and lets it read the label again if it shows another one.
const PAUSE = 100 // ms between two looks
const LOOKS = 600

const look = (left) => {
  const shown = Bokeh.index.find_one(cb_obj)?.button_el
  if (shown && shown.textContent.trim() !== cb_obj.label) cb_obj.properties.label.change.emit()
  else if (!shown && cb_obj.document && left) setTimeout(look, PAUSE, left - 1)
}
setTimeout(look, PAUSE, LOOKS)
