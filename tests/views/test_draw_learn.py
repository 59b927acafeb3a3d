"""The tab where DRAW learns: its pictures show the state, and its controls act on the run as they say."""

from dataclasses import replace

import holoviews as hv
import numpy as np
import pytest
import torch

import labkit
from labkit import draw
from labkit.experiments.draw.learn import RECONSTRUCTIONS, LearnSettings
from labkit.views.draw import LearnScene, Reconstructions
from labkit.views.draw.mosaic import GAP
from labkit.views.stage import Stage

pytestmark = pytest.mark.slow  # whole scenes


@pytest.fixture
def small():
    """A learner with fast steps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = draw.DRAW(draw.Config(height=5, width=4, steps=2, hidden=6, latent=2, read=2, write=2))
    train, test = torch.randint(0, 256, (60, 1, 5, 4), generator=torch.Generator().manual_seed(0)).byte().split(40)
    return LearnSettings(model, train, test, batch=8)


@pytest.fixture
def scene():
    made = LearnScene(labkit.load_checkpoint("draw-digits"))
    yield made
    made.live.close()


def after(learner, steps, state=None):
    state = learner.start() if state is None else state
    for _ in range(steps):
        state = learner.step(state)
    return state


def test_the_pictures_show_the_state(scene):
    one = after(scene.settings, 1)
    states = [after(scene.settings, 1, one), scene.settings.start()]
    for view in scene.views():
        stage = Stage()
        stage.show(view, states[0], lambda figure: None)
        hv.render(stage.pane.object)
        for state in states:
            stage.patch(view.columns(state))
        assert stage.holds(view)
    curves = scene.views()[1:3]
    assert [[bool(view.missing(state, 1)) for view in curves] for state in (one, states[0])] == [
        [True] * 2,
        [False] * 2,
    ]
    bound, halves = (view.columns(states[0]) for view in curves)
    assert bound["training batch"]["x"].tolist() == [0, 1] and bound["100 test images"]["x"].tolist() == [0]
    total = halves["reconstruction cost Lx"]["y"] + halves["latent cost Lz"]["y"]
    assert np.allclose(total, bound["training batch"]["y"], rtol=1e-6)


def test_the_reconstruction_lies_below_its_image(small):
    state, n = small.start().reconstructions, RECONSTRUCTIONS
    rgb = Reconstructions(small.model.config, n)._tiles(state)
    for image, top in ((state.image, 0), (state.trace.images[-1], 5 + GAP)):
        third = rgb[top : top + 5, 2 * (4 + GAP) : 2 * (4 + GAP) + 4, 0]
        assert np.array_equal(third, (255 * (1 - image[2, 0].numpy())).astype(np.uint8))


def test_rate_and_batch_change_a_running_run_and_start_and_seed_restart_it(scene):
    run, s = scene.live.run, scene.settings
    mark = lambda: run.past(lambda past: past.states[run.position].t)  # noqa: E731
    run.once()
    s.lr, s.batch = 1e-2, 4
    assert mark() == 1
    for change in ({"begin": "from scratch"}, {"seed": 5}):
        s.param.update(**change)
        assert mark() == 0
        run.once()
        assert mark() == 1


def test_a_run_that_fails_shows_the_error_and_can_be_reset(scene):
    run = scene.live.run
    run.edit(lambda state: replace(state, trained=replace(state.trained, weights=state.trained.weights / 0)))
    run.once()
    run.past(lambda past: None)  # waits for the step
    assert "the bound is not finite at step 0; lower the learning rate, then press Reset" in run.frame.error
    run.reset()
    run.past(lambda past: None)
    assert run.past(lambda past: len(past.states)) == 1 and not run.frame.error
