"""The pictures of the experiments with z: they show the numbers of the state, and the tab opens the chosen one."""

from dataclasses import replace

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch

from labkit import draw
from labkit.experiments.draw.latents import EXPERIMENTS, ResampleSettings, TraverseSettings
from labkit.views.draw import LatentsScene, MarkedGrid, SensitivityBars
from labkit.views.draw.curves import spread_curve
from labkit.views.draw.latents import SCENES, ResampleScene
from labkit.views.draw.pixel_map import pixel_deviation, pixel_slopes


@pytest.fixture
def model(draw_for_latents):
    return draw_for_latents


def test_the_marked_point_of_the_curve_is_the_spread_of_the_images_on_screen(model):
    settings = ResampleSettings(model, n=5)
    for t in range(1, model.config.steps + 2):
        settings.t = t
        state = settings.start()
        mark = spread_curve().columns(state)["now"]
        assert mark["t"].tolist() == [t]
        assert np.allclose(mark["y"], state.trace.images[-1].std(0).mean().item(), atol=1e-6)


def test_the_chosen_bar_is_the_mean_slope_and_the_first_choice_has_the_longest_bar(model):
    state = TraverseSettings(model).start()
    bars = SensitivityBars().columns(state)
    assert len(bars["chosen"]["y1"]) == 1 and len(bars["others"]["y1"]) == model.config.latent - 1
    assert bars["chosen"]["x0"].tolist() == [state.coordinate]
    assert np.allclose(bars["chosen"]["y1"], state.slopes[state.coordinate - 1].abs().mean().item())
    assert bars["chosen"]["y1"][0] >= bars["others"]["y1"].max()


def test_shades_are_dark_where_images_change_and_where_they_differ(model):
    changed, resampled = TraverseSettings(model).start(), ResampleSettings(model, t=1).start()
    slope = changed.slopes.abs() / changed.slopes.abs().max()
    for view, state, want in (
        (pixel_slopes(model.config), changed, slope[changed.coordinate - 1].mean(0)),
        (pixel_deviation(model.config), resampled, resampled.deviation.mean(0) / 0.5),
    ):
        assert np.abs(view._tile(state)[..., 0] - 255 * (1 - want.numpy())).max() <= 1


def test_the_picture_of_differences_shows_only_what_is_painted_so_far(model):
    """A lesson asks for the differences before the images are painted."""
    finished = ResampleSettings(model, t=1).start()
    first, last = (replace(finished, stroke=stroke) for stroke in (0, finished.steps))
    assert first.deviation.max() == 0 < last.deviation.max()
    assert pixel_deviation(model.config)._tile(first).min() == 255


@pytest.mark.slow
def test_columns_match_the_layers_before_during_and_after_the_strokes(made_networks):
    torch.manual_seed(0)
    model = draw.DRAW(made_networks.LATENTS["windows"])
    for kind in SCENES.values():
        scene = kind(model)
        try:
            state = scene.settings.start()
            for view, stage in zip(scene.live.views, scene.live.stages, strict=True):
                hv.render(stage.pane.object)
                for stroke in (0, 1, state.steps + 1):
                    columns = view.columns(replace(state, stroke=stroke))
                    stage.patch(columns)
                    for label, arrays in columns.items():
                        for name, values in arrays.items():
                            assert len(stage._sources[label][0].data[name]) == len(values), (view, label, name)
        finally:
            scene.live.close()


def test_the_frame_lies_on_the_selected_image(model):
    settings = ResampleSettings(model, n=5)
    view = MarkedGrid(model.config, 5)
    frame = view.columns(settings.start())["meant"]
    assert 0 < frame["x0"].min() < frame["x0"].max() < model.config.width
    assert -model.config.height < frame["y0"].min() < frame["y0"].max() < 0


def test_a_setting_shows_its_finished_sheet_at_once_and_keeps_the_pictures(made_networks):
    torch.manual_seed(0)
    tab = LatentsScene(draw.DRAW(made_networks.LATENTS["windows"]))
    scene = tab.made[tab.settings.experiment]
    try:
        before = scene.live.stages, [stage.pane.object for stage in scene.live.stages]
        scene.settings.t = 4
        state = scene.live.run.past(lambda past: past.states[0])
        assert state.glimpse == 4 and state.shown == 4 and scene.status(state) == "glimpse 4 of 4"
        assert (scene.live.stages, [stage.pane.object for stage in scene.live.stages]) == before
    finally:
        scene.live.close()


def test_the_curve_of_the_spread_can_be_hidden(made_networks):
    torch.manual_seed(0)
    scene = ResampleScene(ResampleSettings(draw.DRAW(made_networks.LATENTS["windows"])))
    try:
        titles = [view.title for view in scene.live.views if hasattr(view, "title")]
        assert titles == ["Spread of the final images"]
        scene.settings.reveal = False
        assert not any(hasattr(view, "title") for view in scene.live.views) and len(scene.live.stages) == 2
        scene.settings.reveal = True
        assert len(scene.live.stages) == 3
    finally:
        scene.live.close()


def test_the_tab_shows_the_chosen_experiment_and_makes_each_once(made_networks):
    torch.manual_seed(0)
    tab = LatentsScene(draw.DRAW(made_networks.LATENTS["colour"]))
    try:
        labels, first = {}, {}
        for name in [*EXPERIMENTS, *EXPERIMENTS]:
            tab.settings.experiment = name
            (shown,) = tab.room.objects
            scene = first.setdefault(name, tab.made[name])
            assert type(scene.settings) is EXPERIMENTS[name] and scene.live.player in list(shown)
            controls = [each[0] if isinstance(each, pn.Column) else each for each in tab.controls()[1]]
            labels[name] = [widget.label for widget in controls if hasattr(widget, "label")]
        assert labels["Change one latent"] == ["Glimpse t", "Number i of z", "Seed"]
        assert labels["Interpolate between two images"][:2] == ["Image A", "Image B"]
    finally:
        for scene in tab.made.values():
            scene.live.close()
