"""The tab where estimators race: its pictures show the tables of the lanes, and its dials act on the next step."""

import dataclasses

import holoviews as hv
import numpy as np
import pytest
import torch

from labkit import dreg
from labkit.dreg import racing
from labkit.dreg.racing import entry
from labkit.experiments.dreg.race import CLOCKS, RaceSettings
from labkit.views.dreg import RaceScene, race
from labkit.views.stage import Stage

pytestmark = pytest.mark.slow  # whole scenes and commands


@pytest.fixture(scope="module")
def small():
    """5 x 4 pixels, two latents."""
    images = torch.randint(0, 256, (80, 1, 5, 4), generator=torch.Generator().manual_seed(0)).byte()
    return racing.Track(*images.split(60), config=dreg.Config(height=5, width=4, latent=(2,), hidden=(6,)))


@pytest.fixture(scope="module")
def raced(small):
    """17 steps of three lanes, evaluated at steps 0 and 16."""
    state = racing.start(small, [entry(word) for word in ("iwae", "dreg", "dreg@2")], k=4)
    for _ in range(17):
        state = racing.step(state, small, k=4, batch=8, lr=1e-3)
    return state


class Quick(RaceSettings):
    """A race on small images."""

    def __init__(self, track, **params):
        self.small = track
        super().__init__(k=4, batch=8, estimators=["iwae", "dreg"], **params)

    def start(self):
        self.track = self.small
        return racing.start(self.small, [racing.Entry(name) for name in self.estimators], k=self.k)


def views(against):
    return [race.bound(against), race.variance(against), race.lead("iwae"), race.snr(against)]


def test_a_plot_without_a_number_for_its_axis_gives_the_reason(raced):
    assert [view.missing(raced, 1) for view in views(CLOCKS[0])] == [""] * 4
    looks = [lane.looks.clone() for lane in raced.lanes]
    for table in looks:
        table[:, 5 : -1 : (table.shape[1] - 2) // 4] = 0.0  # the SNR, and its total, minimum and maximum
    lanes = tuple(dataclasses.replace(lane, looks=table) for lane, table in zip(raced.lanes, looks, strict=True))
    assert "no number" in race.snr().missing(dataclasses.replace(raced, lanes=lanes), 1)


def test_curves_show_the_rows_of_each_lane_against_either_clock(raced):
    for i, clock in enumerate(CLOCKS):
        bound, noise, _, snr = (view.columns(raced) for view in views(clock))
        for lane in raced.lanes:
            name, looks, batches = lane.entry.label, lane.looks, lane.batches
            assert np.array_equal(bound[name]["x"], looks[:, i]) and np.array_equal(bound[name]["y"], looks[:, 2])
            thin = bound[name + race.TRAINING]
            assert np.array_equal(thin["x"], batches[:, i]) and np.array_equal(thin["y"], batches[:, 3])
            assert np.array_equal(noise[name]["y"], looks[:, 3]) and np.array_equal(noise[name]["x"], looks[:, i])
            shown = looks[:, 5].where(looks[:, 5] > 0, torch.nan)  # 0 has no place on a logarithmic axis
            assert np.array_equal(snr[name]["y"], shown, equal_nan=True)


def test_dots_show_the_newest_measurement_already_when_no_line_has_two_points(raced, small):
    first = racing.start(small, [lane.entry for lane in raced.lanes], k=4)
    for state in (first, racing.step(first, small, k=4, batch=8, lr=1e-3), raced):
        for view, column in zip(views(CLOCKS[0])[:2], (2, 3), strict=True):
            dots = view.columns(state)[race.NEWEST]
            assert np.array_equal(dots["y"], [lane.looks[-1, column] for lane in state.lanes])
            assert dots["x"].tolist() == [state.t - state.t % racing.EVERY] * 3


def test_the_lead_is_measured_from_the_first_lane(raced):
    gap = race.lead("iwae").columns(raced)
    first, second, _ = raced.lanes
    assert gap["iwae"]["y"].tolist() == [0, 0] and gap["dreg"]["y"][0] == 0 != gap["dreg"]["y"][1]
    assert gap["dreg"]["y"][1] == second.looks[1, 2] - first.looks[1, 2]


def test_pictures_are_patched_in_place_and_lanes_of_one_colour_have_different_dashes(raced, small):
    begun = racing.start(small, [lane.entry for lane in raced.lanes], k=4)
    for view in views(CLOCKS[0]):
        stage = Stage()
        stage.show(view, begun, lambda figure: None)
        (legend,) = hv.render(stage.pane.object).legend
        assert [item.label.value for item in legend.items] == ["IWAE", "DReG", "DReG, K = 2"]
        for state in (raced, begun):
            stage.patch(view.columns(state))
    lines = race.bound().picture(raced)
    looks = {line.label: line.opts.get("style").kwargs for line in lines}
    assert looks["dreg"]["color"] == looks["dreg, K = 2"]["color"] != looks["iwae"]["color"]
    assert [looks[name]["line_dash"] for name in ("iwae", "dreg", "dreg, K = 2")] == ["solid", "solid", "dashed"]


def test_a_small_picture_of_many_lanes_has_no_legend_which_would_hide_its_curves(small):
    names = list(dreg.ESTIMATORS)[: race.MOST + 1]
    for lanes, shown in ((names[1:], True), (names, False)):
        state = racing.start(small, [racing.Entry(name) for name in lanes], k=4)
        legends = [hv.Store.lookup_options("bokeh", view.picture(state), "plot").kwargs for view in views(CLOCKS[0])]
        assert [each["show_legend"] for each in legends] == [True, True, shown, shown]


def test_dials_act_on_a_running_race_and_other_lanes_restart_it(small):
    scene = RaceScene(Quick(small))
    run, s = scene.live.run, scene.settings
    newest = lambda: run.past(lambda past: past.states[run.position])  # noqa: E731
    try:
        run.once()
        s.lr = 1.0
        run.once()
        one, two = (run.past(lambda past, i=i: past.states[i]) for i in (1, 2))
        moved = (two.lanes[1].trained.weights - one.lanes[1].trained.weights).abs().max()
        assert two.t == 2 and moved > 0.5  # Adam moves by about its rate
        s.k, s.against = 2, CLOCKS[1]
        assert newest().t == 2 and scene.views()[0].against == CLOCKS[1]
        assert scene.status(newest()).startswith("held-out bounds at step ")
        s.estimators = ["stl"]
        assert newest().t == 0 and [lane.entry.estimator for lane in newest().lanes] == ["stl"]
        s.estimators = []
        run.redraw()
        with pytest.raises(RuntimeError, match="at least one lane"):
            newest()
        assert len(scene.controls()) == 8
    finally:
        scene.live.close()
