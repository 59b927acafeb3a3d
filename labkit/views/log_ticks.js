// Round values for a logarithmic axis, the same as in paint/ticks.py. Bokeh's own ticks are evenly spaced within two
// decades, so they are crowded at the upper end and missing at the lower one.
const COUNT = 6
const [low, high] = [Math.min(cb_data.start, cb_data.end), Math.max(cb_data.start, cb_data.end)]
if (!(low > 0 && high > low)) return []
if (high / low < 10) {
  const raw = (high - low) / COUNT
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * (1 - 1e-9))
  const first = Math.ceil(low / step - 1e-9)
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => step * (first + k))
}
const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)]
const found = []
if (high / low < 100) {
  for (let k = first - 1; k <= last; k++) found.push(10 ** k, 2 * 10 ** k, 5 * 10 ** k)
} else {
  const stride = Math.max(1, Math.ceil((last - first) / COUNT))
  for (let k = Math.ceil(first / stride) * stride; k <= last; k += stride) found.push(10 ** k)
}
return found.filter((v) => low * (1 - 1e-9) <= v && v <= high * (1 + 1e-9))
