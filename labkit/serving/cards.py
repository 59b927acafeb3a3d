"""Puts a page on a visitor's document. If the page's code fails, a card shows the error instead of a blank page."""

import logging
from html import escape

import panel as pn

from labkit.serving import pages

_log = logging.getLogger(__name__)

_CARD = """
<div role="alert" style="max-width: 46rem; margin: 2rem auto; padding: 1rem 1.5rem;
 font: 16px/1.5 system-ui, sans-serif; border: 2px solid #d55e00; border-radius: 8px; background: #fff; color: #222">
<h1 style="font-size: 1.3rem; margin: 0 0 .5rem">This page does not work</h1>
<p style="margin: 0 0 .5rem">{page} failed with a {kind}; the server's terminal shows where.
<a href="./">All pages</a></p>
<pre style="margin: 0; white-space: pre-wrap; overflow-wrap: anywhere">{text}</pre>
</div>
"""


def error_card(name: str, error: BaseException) -> pn.pane.HTML:
    """Return a card with an exception's text. The text is escaped, so the browser runs nothing in it."""
    card = _CARD.format(page=escape(name), kind=escape(type(error).__name__), text=escape(str(error)))
    return pn.pane.HTML(card, sizing_mode="stretch_width")


def show(page: pages.Page) -> None:
    """Build a page on the current visitor's document."""
    document = pn.state.curdoc
    try:
        pn.panel(pages.load(page).page()).server_doc(document, title=page.title)
    except Exception as error:
        _log.exception("page %s failed", page.route)
        document.clear()
        document.template_variables.clear()
        error_card(f"dashboards/{page.file.name}", error).server_doc(document, title=f"{page.title}: error")
