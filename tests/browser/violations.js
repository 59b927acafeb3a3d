// What axe-core finds on this page, or within an element of it, one text each. It cannot tell what is behind some texts:
// a legend next to a picture, or a list with an arrow. Here their colours are compared with the nearest background.
async ([rules, within]) => {
  const { violations, incomplete } = await axe.run(within ?? document, rules)
  const reason = ({ any, all, none }) => [...any, ...all, ...none][0]?.message ?? ""
  const name = ({ target, html }) => `${target.flat(9).slice(-2).join(" ")} ${html.slice(0, 100)}`
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${name(node)}: ${reason(node)}`))

  const parts = (colour) => colour.match(/[\d.]+/g).map(Number)
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((each, i) => a * each + (1 - a) * below[i])
  const above = (at) => at.assignedSlot ?? at.parentElement ?? at.getRootNode().host
  const behind = (at) => (at ? over(parts(getComputedStyle(at).backgroundColor), behind(above(at))) : [255, 255, 255])
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  const luminance = (colour) => {
    const [r, g, b] = colour.map((each) => linear(each / 255))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const unclear = incomplete.filter(({ id }) => id === "color-contrast").flatMap(({ nodes }) => nodes)
  for (const node of unclear) {
    const style = getComputedStyle(node.element), size = parseFloat(style.fontSize), back = behind(node.element)
    const [dark, light] = [over(parts(style.color), back), back].map(luminance).sort((a, b) => a - b)
    const ratio = (light + 0.05) / (dark + 0.05)
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    if (ratio < (isLarge ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${name(node)}`)
  }
  return found
}
