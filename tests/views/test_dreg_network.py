"""The tab *Network*: which networks and images it measures, what it says, and columns that are its state's numbers."""

import html
import json
import math

import holoviews as hv
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from labkit import data, dreg
from labkit.dreg import replicates
from labkit.views.dreg import Bench, Network, Noises, network
from labkit.views.dreg.law import NAME
from labkit.views.stage import Stage

pytestmark = pytest.mark.slow  # whole scenes and commands

SIZES = (1, 8, 16)


@pytest.fixture
def networks(tmp_path):
    """Files of untrained VAEs by name: for digits, for a set that is not here, and one of its halves."""
    found = {}
    for name, of, config in (
        ("digits", "digits", dreg.Config(8, 8, (2,), (4,))),
        ("far", "omniglot", dreg.Config(6, 4, (2,), (4,))),
        ("halves", "omniglot", dreg.Config(6, 4, (2,), (4,), halves="bottom")),
    ):
        torch.manual_seed(0)
        about = {"kind": "vae", "data": of, "config": json.dumps(vars(config))}
        found[name] = tmp_path / f"{name}.safetensors"
        save_file(dreg.VAE(config).state_dict(), found[name], about)
    return found


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    for name in ("LABKIT_DATA", "LABKIT_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))


# what is measured


def test_images_are_the_first_of_the_networks_own_test_set(networks):
    stand = Bench(networks).stand()
    assert stand.words == "the first 8 test images of digits"
    assert set(stand.images.unique().tolist()) == {0.0, 1.0} and stand.images.shape == (8, 1, 8, 8)
    grey = data.load("digits", "test")[0][:8] / 255
    assert (stand.images[grey == 0] == 0).all() and (stand.images[grey == 1] == 1).all()


def test_without_its_set_a_network_draws_its_images_itself_and_says_so(networks, nothing_here):
    stand = Bench(networks, network="far").stand()
    assert stand.words == "8 that it drew itself, for omniglot is not here"
    assert set(stand.images.unique().tolist()) == {0.0, 1.0} and stand.images.shape == (8, 1, 6, 4)


def test_halves_without_images_say_what_to_fetch(networks, nothing_here):
    with pytest.raises(ValueError, match=r"\Aomniglot is not here and this network .*; labkit data fetch omniglot\Z"):
        Bench(networks, network="halves").start()


def test_steps_are_replicates_of_the_seed(networks):
    settings = Bench(networks, SIZES, seed=3)
    state = settings.step(settings.start())
    want = replicates.start(state.stand.model, 8, state.estimators, SIZES)
    for t in range(2):
        noise = torch.Generator().manual_seed(network.schedules.seed("network", 3, t))
        want = replicates.step(want, state.stand.model, state.stand.images, generator=noise, replicates=16)
    assert state.t == 2 and state.total.n == 32 and torch.equal(state.total.variance, want.variance)


def test_reconstructions_keep_the_given_half(networks):
    model = dreg.VAE(dreg.Config(6, 4, (2,), (4,), halves="bottom"))
    x = torch.rand(3, 1, 6, 4)
    made = network.reconstructed(network.Stand(model, x, ""))
    assert made.shape == x.shape and torch.equal(made[:, :, :3], x[:, :, :3]) and not torch.equal(made, x)


def test_slopes_are_of_eight_samples_and_more():
    k = torch.tensor([1.0, 8, 16, 64], dtype=torch.float64)
    values = k**-2
    values[0] = 100.0
    assert network.slope((1, 8, 16, 64), values, network.SLOPES_FROM) == pytest.approx(-2, abs=1e-12)


# the picture


@pytest.mark.parametrize("quantity", network.QUANTITIES)
def test_lines_are_the_values_and_names_have_their_slopes(networks, quantity):
    settings = Bench(networks, SIZES, quantity=quantity, estimators=["iwae", "dreg", "rws-dreg", "jk"])
    state = settings.step(settings.start())
    view, stage = Noises(settings), Stage()
    stage.show(view, state, lambda figure: None)
    hv.render(stage.pane.object)
    for _ in range(2):
        columns = view.columns(state)
        stage.patch(columns)
        for label, arrays in columns.items():
            for name, values in arrays.items():
                assert len(stage._sources[label][0].data[name]) == len(values), label
        state = settings.step(state)
    columns = view.columns(state)
    for i, name in enumerate(state.estimators):
        values = state.values(quantity)[i].numpy()
        assert np.allclose(columns[name]["y"], np.where(values > 0, values, np.nan), equal_nan=True)
        rate = state.slopes(quantity)[i]
        if math.isfinite(rate):
            assert columns[name + NAME]["text"][0].endswith(f"{abs(rate):.2f}")
    assert not len(columns["exact"]["x"])  # nothing is known


# the tab


def test_where_there_is_no_network_the_page_says_how_to_make_one():
    scene = Network(Bench({}))
    try:
        assert scene.remark.object == ""
        assert "labkit train vae --data digits --preset small" in scene.live.run.frame.error
    finally:
        scene.live.close()


def test_another_network_begins_anew_and_is_shown_with_its_images(networks, nothing_here):
    scene = Network(Bench(networks, SIZES))
    try:
        assert "the first 8 test images of digits" in scene.remark.object and "data:image/png" in scene.remark.object
        scene.live.run.once()
        scene.settings.quantity = "SNR"
        assert scene.live.run.past(lambda past: past.states[-1].t) == 2
        scene.settings.network = "far"
        assert scene.live.run.past(lambda past: past.states[-1].t) == 1
        assert html.escape("8 that it drew itself") in scene.remark.object
        assert scene.status(scene.live.run.past(lambda past: past.states[-1])) == "16 replicates"
    finally:
        scene.live.close()
