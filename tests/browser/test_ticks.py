"""The ticks that a browser computes equal those in saved pictures."""

import pytest

from labkit.paint.ticks import log_ticks
from labkit.views.stage import LOG_LABELS, LOG_TICKS


@pytest.mark.browser
def test_logarithmic_ticks_in_the_browser_equal_those_of_saved_pictures(page):
    ticks = f"([start, end]) => (new Function('cb_data', {LOG_TICKS!r}))({{ start, end }})"
    for low, high in [(0.06, 4.1), (0.62, 0.66), (1, 9.9), (0.33, 0.75), (1e-4, 12), (1e-9, 20), (0.8, 6e4), (1, 100)]:
        wanted = pytest.approx([value for value, _ in log_ticks(low, high, 6)], rel=1e-12)
        assert page.evaluate(ticks, [low, high]) == wanted, (low, high)
        assert page.evaluate(ticks, [high, low]) == wanted  # a reversed axis
    for low, high in [(0, 1), (-1, 1), (2, 2)]:
        assert page.evaluate(ticks, [low, high]) == []


@pytest.mark.browser
def test_logarithmic_labels_are_plain_numbers_or_powers_of_ten(page):
    label = f"(tick) => (new Function('tick', {LOG_LABELS!r}))(tick)"
    said = {0.0005: "0.0005", 0.00002: "0.00002", 1: "1", 0.62: "0.62", 200000: "200000", 3 * 0.1: "0.3"}
    said |= {1e-6: "10⁻⁶", 2e-7: "2×10⁻⁷", 1e12: "10¹²", 5e6: "5×10⁶"}
    assert {tick: page.evaluate(label, tick) for tick in said} == said
