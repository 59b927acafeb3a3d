"""The pictures of the start page are small, move or are still, and have light or dark paper."""

import pytest
from PIL import Image, ImageColor

from labkit import places
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
