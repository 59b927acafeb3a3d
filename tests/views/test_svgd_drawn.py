"""The square for a drawn density: ink of the browser becomes the target, and the particles stay."""

import time

import numpy as np
import pytest
import torch

from labkit.experiments.links import set_all
from labkit.experiments.svgd import ParticlesSettings
from labkit.targets import drawn
from labkit.views.pad import Pad
from labkit.views.svgd import ParticlesScene, typed


def pixels(row):
    """Ink in one row of the square, 0 to 255, as the browser sends it."""
    ink = np.zeros((32, 32))
    ink[row, 4:28] = 255
    return {"kind": "drawn", "pixels": ink.ravel().tolist()}


def square(run):
    (pad,) = typed.square(run).select(Pad)
    return pad


def test_a_line_at_the_top_becomes_a_density_at_the_top():
    run = ParticlesSettings(target="drawn", n=5)
    square(run)._handle_msg(pixels(2))
    assert drawn.decoded(run.drawing)[2, 4:28].eq(3).all() and drawn.decoded(run.drawing).count_nonzero() == 24
    assert float(run.density().mean[1]) == pytest.approx((1 - drawn.SHARE) * 3.375)


def test_the_square_shows_the_drawing_of_a_link_and_of_a_later_one():
    ink = torch.zeros(32, 32, dtype=torch.uint8)
    ink[4, 7], ink[20, 9] = 3, 1
    run = ParticlesSettings(target="drawn", drawing=drawn.encoded(ink))
    pad = square(run)
    assert pad.pixels[4 * 32 + 7] == 255 and pad.pixels[20 * 32 + 9] == 85 and sum(pad.pixels) == 340
    pad._handle_msg({"kind": "drawn", "pixels": pad.pixels})
    assert run.drawing == drawn.encoded(ink)  # the ink of the square is the same drawing
    run.drawing = drawn.encoded(ink.T.contiguous())
    assert pad.pixels[7 * 32 + 4] == 255 and sum(pad.pixels) == 340


def test_the_square_is_not_painted_again_while_the_visitor_draws(monkeypatch):
    pad = square(ParticlesSettings(target="drawn"))
    shown = []
    monkeypatch.setattr(pad, "show", shown.append)
    pad._handle_msg(pixels(2))
    pad._handle_msg(pixels(3))
    assert shown == []


def test_the_particles_stay_and_get_a_new_picture():
    scene = ParticlesScene(ParticlesSettings(target="drawn", n=5, begin_mean=0.0), play=False)
    scene.live.run.watched()
    scene.live.run.once()
    until = time.monotonic() + 20
    while scene.live.run.frame.state.t < 1 and time.monotonic() < until:
        time.sleep(0.01)
    before, picture = scene.live.run.frame.state, scene.live.views[0]
    square(scene.settings.run)._handle_msg(pixels(25))
    while scene.live.run.frame.state is before and time.monotonic() < until:
        time.sleep(0.01)
    after = scene.live.run.frame.state
    scene.live.close()
    assert after.t == 1 and torch.equal(after.x, before.x) and not torch.equal(after.phi, before.phi)
    assert scene.live.views[0] is not picture and scene.live.views[0].target is scene.settings.run.density()


def test_a_link_sets_a_drawing_and_another_text_is_refused():
    run, code = ParticlesSettings(target="drawn"), drawn.encoded(torch.full((32, 32), 2, dtype=torch.uint8))
    assert set_all(run, {"drawing": code}) == [] and run.drawing == code
    (refused,) = set_all(run, {"drawing": "abc"})
    assert "a code that labkit made" in refused and run.drawing == code
