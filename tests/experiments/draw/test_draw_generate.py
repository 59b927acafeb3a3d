"""Images from the prior: strokes appear one by one, and seed, number and class determine the images."""

import torch

from labkit import draw
from labkit.experiments.draw.drawing import REST
from labkit.experiments.draw.generate import GenerateSettings
from labkit.experiments.draw.latents import ResampleSettings, TraverseSettings
from labkit.experiments.draw.read import ReadSettings
from labkit.experiments.shared import share


def test_strokes_appear_one_by_one_then_rest_and_start_again(model):
    maker = GenerateSettings(model, n=4)
    state, shown = maker.start(), []
    for _ in range(model.config.steps + REST + 1):
        shown.append(state.shown)
        state = maker.step(state)
    steps = model.config.steps
    assert shown == [*range(steps + 1), *[steps] * REST]
    assert state.sheet == 1 and state.shown == 0 and state.t == steps + REST + 1


def test_finished_images_of_many_strokes_stay_for_about_as_long():
    """One second at 8 strokes per second, and at the 12 that a network of 64 strokes starts with."""
    model = draw.DRAW(draw.Config(height=4, width=4, steps=64, hidden=3, latent=2, read=2, write=2)).eval()
    maker = GenerateSettings(model, n=1)
    state = maker.start()
    while state.sheet == 0:
        state = maker.step(state)
    assert state.t == 64 + 12 + 1 and REST == 8


def test_runs_of_a_shared_network_compute_equal_drawings_once(model):
    """The drawings of a network that may still learn are not kept: they change with its weights."""
    alone = [GenerateSettings(model, n=3, seed=2).sheet(1) for _ in range(2)]
    assert alone[0] is not alone[1] and torch.equal(alone[0].trace.canvas, alone[1].trace.canvas)
    share(model)
    one, same = (GenerateSettings(model, n=3, seed=2).sheet(1) for _ in range(2))
    assert one is same and torch.equal(one.trace.canvas, alone[0].trace.canvas)
    others = [{"n": 4, "seed": 2}, {"n": 3, "seed": 3}, {"n": 3, "seed": 2, "temperature": 0.5}]
    assert all(GenerateSettings(model, **each).sheet(1) is not one for each in others)
    assert GenerateSettings(model, n=3, seed=2).sheet(0) is not one


def test_runs_of_a_shared_network_share_readings_of_printed_digits_only(model, image):
    share(model)
    assert ReadSettings(model, digit=5).start() is ReadSettings(model, digit=5).start()
    assert ReadSettings(model, digit=5).start() is not ReadSettings(model, digit=5, seed=1).start()
    own, other = ReadSettings(model, image).start(), ReadSettings(model, 1 - image).start()
    assert not torch.equal(own.image, other.image)


def test_runs_of_a_shared_network_compute_spread_and_slopes_once(model):
    share(model)
    spreads = [ResampleSettings(model, t=t, seed=seed).sheet(0).spread for t, seed in ((1, 0), (2, 0), (1, 1))]
    slopes = [TraverseSettings(model, t=t, i=i, seed=3).sheet(0).slopes for t, i in ((1, 1), (1, 2), (2, 1))]
    for first, same, other in (spreads, slopes):
        assert first is same and first is not other


def test_seed_and_number_determine_the_sheet(model):
    one, same = GenerateSettings(model, n=4, seed=3).sheet(2), GenerateSettings(model, n=4, seed=3).sheet(2)
    other, next_one = GenerateSettings(model, n=4, seed=4).sheet(2), GenerateSettings(model, n=4, seed=3).sheet(3)
    assert torch.equal(one.trace.z, same.trace.z)
    assert not torch.equal(one.trace.z, other.trace.z) and not torch.equal(one.trace.z, next_one.trace.z)


def test_the_first_canvas_is_the_start_and_the_last_is_the_drawing(model):
    state = GenerateSettings(model, n=2).start()
    assert torch.allclose(state.canvas(0), torch.full_like(state.canvas(0), 0.5))
    assert torch.equal(state.canvas(state.steps), state.trace.canvas[-1].sigmoid())


def test_the_given_class_changes_the_drawing(with_classes):
    drawn = [GenerateSettings(with_classes, n=3, label=k).sheet(0).trace for k in (1, 2)]
    assert torch.equal(drawn[0].z, drawn[1].z) and not torch.equal(drawn[0].canvas, drawn[1].canvas)
