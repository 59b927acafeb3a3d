"""Images from the prior: strokes appear one by one, and seed, number and class determine the images."""

import torch

from labkit.experiments.draw.drawing import REST
from labkit.experiments.draw.generate import GenerateSettings


def test_strokes_appear_one_by_one_then_rest_and_start_again(model):
    maker = GenerateSettings(model, n=4)
    state, shown = maker.start(), []
    for _ in range(model.config.steps + REST + 1):
        shown.append(state.shown)
        state = maker.step(state)
    steps = model.config.steps
    assert shown == [*range(steps + 1), *[steps] * REST]
    assert state.sheet == 1 and state.shown == 0 and state.t == steps + REST + 1


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
