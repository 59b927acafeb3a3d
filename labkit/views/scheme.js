// Whether a page is dark: its own button decides, then the theme of JupyterLab, then the reader's system.
const preference = () => matchMedia("(prefers-color-scheme: dark)")
const isDark = (page) => {
  const own = page.documentElement.dataset.dark, lab = page.body?.dataset.jpThemeLight
  return own ? own === "true" : lab ? lab === "false" : preference().matches
}
