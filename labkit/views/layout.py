"""Where things are on a page and in a cell: style sheets of columns, and sizes of pictures.

With enough space, the picture of the method takes two thirds of the width and of the window's height, and the small
ones are in a column next to it. On a phone (`PHONE`) all parts of a page are in one column: first the picture, which
stays in sight at the top, then the small ones and the texts. The player stays at the bottom of the window.
"""

from typing import Any

import panel as pn

PHONE = "@media (max-width: 700px)"
BESIDES = "var(--besides, 0px)"  # height of what is above the main picture of a lesson
LARGE = f"min(clamp(320px, 66vh, 1100px), max(300px, 100vh - {BESIDES}), 72vw)"  # height of the main picture
EACH = "clamp(220px, 28vh, 440px)"  # height of a small picture
SMALL = f"min({EACH}, max(180px, (100vh - {BESIDES}) / 2 - 24px))"  # two fit next to the main one
ABOVE_SMALL = f"max(200px, 100vh - {BESIDES} - 252px)"  # height of the main picture if small ones are below it
ON_A_PHONE = f"min(46svh, 96vw, max(260px, 100svh - {BESIDES} - 7rem))"  # above the player
SAID = "var(--said-size, 15px)"  # size of the texts of a page

# What a class of a child does. Columns that a phone dissolves have these rules too, because children are its children.
PLACES = f"""
.bk-Spacer {{ display: none; }}  /* in place of a picture that is not shown yet, otherwise an empty cell of the grid */
.picture {{ height: {SMALL}; flex: none !important; overflow: clip; isolation: isolate; }}
.leading {{ height: {LARGE}; }}
.leading.image {{ height: auto; width: min(100%, calc(var(--aspect) * {LARGE})) !important; }}
.leading.plane {{ width: min(100%, {LARGE}) !important; }}
.leading.image, .leading.plane {{ justify-self: center; align-self: start; }}
.image {{ height: auto; }}
.plane {{ height: auto; aspect-ratio: 1; }}
@media (min-width: 701px) {{
  .wide.image {{ justify-self: center; }}
  .wide.image:not(.leading, .main) {{ width: min(100%, calc(var(--aspect) * {SMALL})) !important; }}
  .wide:where(.main.image) {{ width: min(100%, calc(var(--aspect) * {ABOVE_SMALL})) !important; }}
}}
{PHONE} {{
  .picture:where(:not(.image, .plane, .leading)) {{ height: {EACH}; }}
  .leading {{ height: {ON_A_PHONE}; }}
  .leading.image {{ width: min(100%, calc(var(--aspect) * {ON_A_PHONE})) !important; }}
  .leading.plane {{ width: min(100%, {ON_A_PHONE}) !important; }}
  .leading.image, .leading.plane {{ align-self: center; }}
  .leading {{ position: sticky; top: 0; z-index: 5; background: var(--ground, transparent); }}
  .player {{ position: sticky; bottom: 0; z-index: 6; order: 90 !important; background: var(--card, transparent);
    border-top: 1px solid var(--line, transparent); }}
  .words {{ order: 60 !important; }}
}}
"""
THROUGH = f"{PHONE} {{ :host {{ display: contents !important; }} }}" + PLACES
"""The style sheet of a column that a phone dissolves, so that its parts are parts of the page."""

SIDE = f"""
{PHONE} {{
  :host > * {{ order: 70; }}
  .first {{ order: var(--first, -1); align-self: center; }}
}}
"""

GRID = (
    """
.scroll-button { display: none; }
:host { display: grid !important; grid-template-columns: repeat(auto-fit, minmax(max(230px, 30%), 1fr)); gap: 10px;
  align-items: start; }
.leading:not(.wide) { grid-column: span 2; grid-row: span 3; }
.wide { grid-column: 1 / -1; }
"""
    + THROUGH
)
"""Three columns, or fewer in a narrow cell. The picture of the method takes two of them."""

GRID_ALONE = GRID + ".leading { grid-column: 1 / -1; }"
"""The picture of the method has no small ones next to it."""

GRID_BESIDE = (
    """
.scroll-button { display: none; }
:host { display: grid !important; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; align-items: start; }
.wide, .said { grid-column: 1 / -1; }
"""
    + THROUGH
    + ".leading { max-height: 46vw; } @media (max-width: 700px) { .leading { max-height: none; } }"
)
"""Two runs, or two large pictures: one column each."""

# words for a mouse, a finger and a keyboard: only those that fit the reader's device are shown
DEVICES = """
.touch { display: none; }
@media (hover: none) and (pointer: coarse) { .mouse { display: none; } .touch { display: inline; } }
"""
LINKS = "a { color: var(--mark, var(--jp-content-link-color, #0072b2)); }"
NO_KEYS = "@media (hover: none) and (pointer: coarse) { :host { display: none !important; } }"  # words about keys
DOUBLE_CLICK = '<span class="mouse">double-click</span><span class="touch">double-tap</span>'


def column(*parts: Any, **params: Any) -> pn.Column:
    """Return a column that a phone dissolves."""
    return pn.Column(*parts, sizing_mode="stretch_width", stylesheets=[THROUGH], **params)


def side(*parts: Any, **params: Any) -> pn.Column:
    """Return a column of controls. On a phone they follow the texts, but parts of the class "first" come first."""
    return pn.Column(*parts, sizing_mode="stretch_width", stylesheets=[THROUGH + SIDE], **params)


def said(words: str, visible: bool = True, order: str = "60", sheet: str = "", **styles: str) -> pn.pane.HTML:
    """Return a text of a page.

    Args:
        order: its place on a phone: below 50 before the small pictures, 60 after them.
        sheet: more style sheets.
    """
    return pn.pane.HTML(
        words, sizing_mode="stretch_width", visible=visible, styles={"font-size": SAID, "order": order, **styles},
        css_classes=["said"],
        stylesheets=[DEVICES + LINKS + sheet],
    )  # fmt: skip
