"""The tab *Network*: the networks and images that it measures, its text, and columns that equal the state's numbers."""

import html
import math

import holoviews as hv
import numpy as np
import pytest

from labkit.experiments.dreg.network import QUANTITIES, NetworkSettings
from labkit.views.dreg import NetworkScaling, NetworkScene
from labkit.views.dreg.scaling import NAME
from labkit.views.stage import Stage

pytestmark = pytest.mark.slow  # whole scenes and commands

SIZES = (1, 8, 16)


# the picture


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_lines_show_the_values_and_names_have_their_slopes(vae_files, quantity):
    settings = NetworkSettings(vae_files, SIZES, quantity=quantity, estimators=["iwae", "dreg", "rws-dreg", "jk"])
    state = settings.step(settings.start())
    view, stage = NetworkScaling(settings), Stage()
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
    assert not len(columns["exact"]["x"])  # no value is known


# the tab


def test_without_a_network_the_page_says_how_to_make_one():
    scene = NetworkScene(NetworkSettings({}))
    try:
        assert scene.remark.object == ""
        assert "labkit train vae --data digits --preset small" in scene.live.run.frame.error
    finally:
        scene.live.close()


def test_another_network_restarts_the_run_and_is_shown_with_its_images(vae_files, nothing_here):
    scene = NetworkScene(NetworkSettings(vae_files, SIZES))
    try:
        assert (
            "the first 8 test images of 8 × 8 digits" in scene.remark.object and "data:image/png" in scene.remark.object
        )
        scene.live.run.once()
        scene.settings.quantity = "SNR"
        assert scene.live.run.past(lambda past: past.states[-1].t) == 2
        scene.settings.network = "far"
        assert scene.live.run.past(lambda past: past.states[-1].t) == 1
        assert html.escape("8 images that the network drew itself") in scene.remark.object
        assert scene.status(scene.live.run.past(lambda past: past.states[-1])) == "16 replicates"
    finally:
        scene.live.close()
