"""labkit: the list of pages, and the address for a class."""

from pathlib import Path

import panel as pn

from labkit.serving import codes, lessons, pages, settings
from labkit.serving.frame import dress

LEAD = "Watch learning algorithms while they run, and change their settings at the same time."


def page() -> pn.Template:
    addresses = settings.addresses
    template = pn.Template((Path(__file__).with_name("index.html")).read_text(encoding="utf-8"))
    template.add_variable("lead", LEAD)
    dress(template)
    listed = [each for each in pages.listing() if each.route != "/"]
    template.add_variable("pages", listed)
    template.add_variable("pictures", any(each.picture for each in listed))
    template.add_variable("still", "(prefers-reduced-motion: reduce)")
    template.add_variable("lessons", offered := {each.name: lessons.links(each.name) for each in listed})
    template.add_variable("first", next(filter(None, offered.values()), [None])[0])
    template.add_variable("addresses", addresses)
    template.add_variable("code", codes.svg(addresses[0]) if addresses else "")
    return template


if __name__.startswith("bokeh_app"):  # `panel serve` runs this file as a script, whose globals Bokeh will clear
    pages.load(pages.at(__file__)).page().servable(title="labkit")
