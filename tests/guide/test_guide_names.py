"""Every name that a user can type or open has a sentence in the guide, and the guide names nothing else."""

import ast
import sys
from pathlib import Path

import pytest

from labkit import data, draw, dreg, lessons, models, svgd, targets
from labkit.cli import app
from labkit.serving import pages
from labkit.views.downloads import KINDS

sys.path.insert(0, str(Path(__file__).parent))

from documents import PAGES, Row, rows


def commands() -> set[str]:
    """The commands that `labkit` lists."""
    return {f"labkit {each.name}" for each in app.registered_commands if not each.hidden}


def tabs(page: pages.Page) -> set[str]:
    """The titles of a page's tabs, read from its file."""
    calls = (node for node in ast.walk(ast.parse(page.file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {str(call.args[0].value) for call in calls if getattr(call.func, "id", "") in ("Tab", "NetworkTab")}


NAMES = {
    ("commands", "Commands"): commands(),
    ("pages", "Pages"): {page.route for page in pages.listing()} | {"/guide"},
    **{("pages", page.route): tabs(page) for page in pages.listing() if tabs(page)},
    ("saving", "From a page"): {label for label, _ in KINDS.values()},
    ("lessons", "The lessons"): set(lessons.names()),
    ("lessons", "Marks"): set(lessons.MARKS),
    ("svgd-names", "Targets"): set(targets.TARGETS),
    ("svgd-names", "Kernels"): {*svgd.KERNELS, "preconditioned"},
    ("svgd-names", "Bandwidth rules"): set(svgd.RULES),
    ("svgd-names", "Optimisers"): set(svgd.OPTIMIZERS),
    ("estimators", "Estimators"): set(dreg.ESTIMATORS),
    ("data", "Image sets"): set(data.SETS),
    ("data", "Tables"): {*data.TABLES, "breast_cancer"},
    ("data", "Shipped networks"): set(models.shipped()),
    ("data", "Presets of DRAW"): set(draw.PRESETS),
    ("data", "Presets of the VAE"): set(dreg.PRESETS),
}


@pytest.mark.parametrize(("file", "heading"), NAMES)
def test_every_name_has_a_sentence_in_the_guide_and_no_other_has_one(file, heading):
    described = [row.cells[0] for row in rows(PAGES[file]) if row.heading == heading]
    assert sorted(described) == sorted(NAMES[file, heading])


@pytest.mark.parametrize(
    "file", ["commands", "pages", "saving", "svgd-names", "estimators", "data", "glossary", "lessons"]
)
def test_every_name_has_a_whole_sentence(file):
    assert [row.cells[0] for row in rows(PAGES[file]) if not is_sentence(row)] == []


def is_sentence(row: Row) -> bool:
    """Whether what follows a name is more than a word and ends with a full stop."""
    return row.cells[1].endswith(".") and " " in row.cells[1]


def test_the_guide_shows_the_tab_and_the_minutes_of_each_lesson():
    shown = {row.cells[0]: row.cells[2:] for row in rows(PAGES["lessons"]) if row.heading == "The lessons"}
    made = map(lessons.load, lessons.names())
    assert shown == {each.name: [f"/{each.page}, {each.tab}", str(each.minutes)] for each in made}


def test_the_glossary_has_each_term_once():
    terms = [row.cells[0] for row in rows(PAGES["glossary"])]
    assert len(set(terms)) == len(terms)


def test_the_guide_shows_the_test_bounds_of_the_cards():
    """Each shipped network's card says its test bound in nats."""
    shown = {row.cells[0]: row.cells[2] for row in rows(PAGES["data"]) if row.heading == "Shipped networks"}
    for name in models.shipped():
        card = (models.HERE / f"{name}.md").read_text(encoding="utf-8")
        assert f"{shown[name]} nats" in card
