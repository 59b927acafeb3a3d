// Bokeh's button misses a change of its label while the browser still builds its view, and two changes at once may end
// in the wrong order. This runs at each change, and lets the view read the label again as long as it shows another one.
const PAUSE = 100 // ms between two looks
const LOOKS = 600
const SURE = 20 // looks at a label that is right, for a change that comes late

const look = (left, right) => {
  const shown = Bokeh.index.find_one(cb_obj)?.button_el
  const agrees = shown?.textContent.trim() === cb_obj.label
  if (shown && !agrees) cb_obj.properties.label.change.emit()
  if (cb_obj.document && left && right < SURE) setTimeout(look, PAUSE, left - 1, agrees ? right + 1 : 0)
}
setTimeout(look, PAUSE, LOOKS, 0)
