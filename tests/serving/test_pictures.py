"""The pictures of the start page are small, move or are still, and have light or dark paper."""

import csv
import runpy

import pytest
from PIL import Image, ImageColor

from labkit import models, places
from labkit.paint.axes import DARK, LIGHT
from labkit.serving import pages

FOLDER = places.find("dashboards") / "pictures"
MOST = 150_000  # bytes of a file
PAGES = [each for each in pages.listing() if each.route != "/"]


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_has_a_question_and_small_pictures_in_light_and_dark(shown):
    assert shown.question.endswith("?") and shown.picture.endswith(".")
    for scheme, theme in (("light", LIGHT), ("dark", DARK)):
        files = [FOLDER / f"{shown.name}-{scheme}.{kind}" for kind in ("gif", "png")]
        assert max(file.stat().st_size for file in files) <= MOST
        with Image.open(files[0]) as moving, Image.open(files[1]) as still:
            assert moving.n_frames > 5 and moving.size == still.size == (360, 203)
            corners = [image.convert("RGB").getpixel((359, 202)) for image in (moving, still)]
        paper = ImageColor.getrgb(theme.paper)
        assert all(abs(a - b) < 6 for corner in corners for a, b in zip(corner, paper, strict=True))


def test_the_chart_of_the_bound_has_the_numbers_of_the_shipped_network():
    """After a new network is shipped, `python dashboards/pictures/bound.py` makes the chart again."""
    made = runpy.run_path(str(FOLDER / "bound.py"))
    with Image.open(FOLDER.parent / "bound.png") as chart:
        assert chart.text == made["about"]() and chart.size == (1920, 860)
    with (models.HERE / "draw-paper.csv").open(newline="") as file:
        found = [(int(row["step"]), int(row["epoch"]), float(row["bound"])) for row in csv.DictReader(file)]
    assert made["rows"]() == found and found[-1][0] == int(models.card("draw-paper")["step"])
    assert abs(found[-1][2] - float(models.card("draw-paper")["test_bound"])) < 0.3  # other noise
    low, high = made["LOWEST"], made["HIGHEST"]
    assert all(low < bound < high for bound in (made["PAPER"], *made["PROGRAM"].values(), found[-1][2]))
