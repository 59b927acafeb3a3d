// The labels of a logarithmic axis: plain numbers, and powers of ten where these would be long.
const value = Number(tick.toPrecision(6))
if (value >= 1e-5 && value < 1e6) return String(value)
const [mantissa, power] = value.toExponential().split("e")
const raised = String(Number(power)).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])
return (mantissa === "1" ? "10" : `${mantissa}×10`) + raised
