"""The contrast of two colours, and a colour that a reader can see on its paper."""

import pytest

from labkit.contrast import BLACK, ENOUGH, WHITE, contrast, legible, mixed


def test_contrast_follows_wcag():
    """From 1 to 21. The grey #777777 has 4.48 on white, just too little, and #767676 has 4.54."""
    assert contrast(BLACK, WHITE) == contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast((10, 20, 30), (10, 20, 30)) == 1
    assert contrast((0x77,) * 3, WHITE) == pytest.approx(4.48, abs=0.005)
    assert contrast((0x76,) * 3, WHITE) == pytest.approx(4.54, abs=0.005)


def test_a_colour_with_enough_contrast_stays_and_another_one_moves_only_as_far_as_needed():
    assert legible((90, 90, 90), WHITE) == (90, 90, 90)
    orange = (230, 159, 0)
    for paper, ink in ((WHITE, BLACK), (BLACK, WHITE), ((30, 36, 40), WHITE)):
        for text in (orange, (119, 119, 119), ink, paper):
            found = legible(text, paper)
            assert contrast(found, paper) >= ENOUGH
            less = next((i for i in range(100) if mixed(text, ink, (i + 1) / 100) == found), None)
            assert found == text or contrast(mixed(text, ink, less / 100), paper) < ENOUGH
    red, green, _ = legible(orange, WHITE)
    assert red > green > 0, "the hue stays"


def test_on_a_middle_grey_the_better_of_black_and_white_is_used():
    grey = (118, 118, 118)
    assert max(contrast(each, grey) for each in (BLACK, WHITE)) > ENOUGH
    assert contrast(legible((120, 120, 120), grey), grey) >= ENOUGH
