// Which parts of a page are visible: all, only the picture for a room (data-present), or only some controls. Style sheets
// of the page do not reach into Bokeh's elements, so each of these gets the same sheets.
const HIGH = "max(38dvh, calc(100dvh - var(--besides, 7rem)))"
const PRESENT = `
.picture:not(.main), .said, .downloads, .tabs, .slim, .rewind, .secondary, .term, .quiet, .bk-Toolbar { display: none !important; }
.main { height: ${HIGH} !important; max-height: none !important; position: static !important; }
.main.plane { width: min(100%, ${HIGH}) !important; }
.main.image { height: auto !important; width: min(100%, calc(var(--aspect) * ${HIGH})) !important; justify-self: center !important; }
.line { height: 1.25em !important; }
.play { width: auto !important; min-width: 8rem; }
.bk-btn { font-size: 1em; padding: .3em .8em; }
`
const LESSON = "@media (max-width: 700px) { .slim, .rewind { display: none !important; } }"  // a phone has no space for them
const EVERYWHERE = `.bk-slider-title { white-space: normal; }
@media (min-width: 120rem) { .slim { width: 260px !important; } :host(.slim) .slim { width: 236px !important; } }
@media (max-width: 700px) {  /* both sliders in one row; Bokeh sets their least width too */
  .slim { width: calc(50% - 24px) !important; min-width: 0 !important; margin: 0 12px !important; align-self: end; }
  :host(.slim) .slim { width: 100% !important; margin: 0 !important; }
}
.bk-input { font-size: var(--field-size, revert-layer); }
.bk-spin-btn { color: inherit; --color: currentcolor; }  /* Bokeh's own arrows are black, on dark pages too */
select.bk-input:not([multiple]) { background-image: conic-gradient(from -34deg at 50% 100%, currentcolor 68deg, transparent 0) !important; }
:focus-visible { outline: 3px solid var(--mark, #0072b2) !important; outline-offset: 2px !important; }
.bk-events:focus-visible { outline-offset: -3px !important; }  /* a picture cuts what is around it */
:host(.solid) .bk-btn-primary, .bk-btn-primary.bk-active { color: var(--on-mark, #ffffff) !important; }`
const sheets = {all: new CSSStyleSheet(), side: new CSSStyleSheet()}

const presenting = () => document.documentElement.dataset.present === "true"
const asked = () => document.documentElement.dataset.only?.split(",").filter((name) => /^\w+$/.test(name))

// which controls are shown: those of ?controls=target,n, then the basic ones if the reader chose these, otherwise all
const dress = (basic) => {
  const lesson = document.documentElement.dataset.lesson === "on"
  sheets.all.replaceSync(EVERYWHERE + (presenting() ? PRESENT : "") + (lesson ? LESSON : ""))
  const some = asked() ?? (document.documentElement.dataset.controls === "basic" && basic.length ? basic : null)
  const not = (some ?? []).map((name) => `:not(.control-${name})`).join("")
  sheets.side.replaceSync(some ? `.control${not} { display: none !important; }` : "")
}
// In a presentation and in a lesson, what is above the main picture decides its height: a strip has one line or many.
const makeRoom = (views) => {
  const {dataset, style} = document.documentElement, makes = presenting() || dataset.lesson === "on"
  if (makes && scrollY && innerWidth <= 700) return  // the picture of a phone stays in sight, so it may be elsewhere
  const tops = views.filter(({el}) => el.clientWidth && el.classList.contains("main")).map(({el}) => el.getBoundingClientRect().top + scrollY)
  if (!makes) style.removeProperty("--besides")
  else if (tops.length) style.setProperty("--besides", `${Math.ceil(Math.min(...tops)) + 8}px`)
}
const adopt = (root, sheet) => {
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet)
}
const wear = (root, sheet) => {
  for (const each of root.querySelectorAll("*")) {
    if (!each.shadowRoot) continue
    adopt(each.shadowRoot, sheet)
    wear(each.shadowRoot, sheet)
  }
}
