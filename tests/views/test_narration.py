"""Pictures as text: sentences about states that are made by hand, and when the browser gets them."""

import importlib
import pkgutil
from types import SimpleNamespace as Made

import numpy as np
import torch

import labkit.views
from labkit import svgd
from labkit.draw import Window
from labkit.dreg.frontier import Frontier
from labkit.experiments.svgd.numbers import Numbers
from labkit.targets import Mixture, Normal
from labkit.views.draw.bars import KLBars, SensitivityBars
from labkit.views.draw.curves import write_window
from labkit.views.draw.grid import SampleGrid
from labkit.views.draw.pixel_map import PixelMap
from labkit.views.dreg.alpha import BiasVariance, SquaredError
from labkit.views.dreg.evidence import BiasInterval, Evidence
from labkit.views.dreg.microscope import GradientScatter, GradientTerms, WeightedSamples
from labkit.views.narration import PAUSE, Narrator, sentence
from labkit.views.svgd.classification_pictures import Precisions
from labkit.views.svgd.curves import Curves
from labkit.views.svgd.line import Line
from labkit.views.svgd.microscope import Microscope
from labkit.views.svgd.plane import Plane
from labkit.views.svgd.regression_pictures import NoiseLevels
from labkit.views.view import Part, View
from labkit.words import listed


def drawing(**fields):
    """A drawing after 2 of 3 glimpses of 4 images, with bounds and windows made by hand."""
    trace = Made(
        kl=torch.tensor([[1.0], [5.0], [2.0]]),
        nll=torch.tensor([[90.0], [50.0], [20.0]]),
        write=Window(*(torch.tensor([[1.0], [2.0], [3.0]]).expand(3, 4) for _ in range(5))),
    )
    return Made(trace=trace, shown=2, steps=3, canvas=lambda stroke: torch.full((4, 1, 8, 8), 0.25), **fields)


def run(x, **fields):
    return Made(x=torch.tensor(x, dtype=torch.float64), **fields)


def classes(root=View):
    for each in root.__subclasses__():
        yield each
        yield from classes(each)


def test_every_picture_of_the_pages_has_a_sentence():
    for module in pkgutil.walk_packages(labkit.views.__path__, "labkit.views."):
        importlib.import_module(module.name)
    ours = [each for each in classes() if each.__module__.startswith("labkit.") and each.picture is not View.picture]
    assert len(ours) > 30
    assert [each.__name__ for each in ours if each.describe is View.describe] == []


def test_a_list_of_words_reads_as_in_a_sentence():
    assert [listed([]), listed("a"), listed("ab"), listed("abc")] == ["", "a", "a and b", "a, b and c"]


def test_particles_on_a_line_are_counted_at_their_modes():
    line = Line(lambda: Mixture([-2.0, 2.0], [1.0, 1.0], [1 / 3, 2 / 3]), (-5, 5))
    said = line.describe(run([[-2.0], [1.0], [3.0]]))
    assert said.startswith(
        "3 particles on a line; modes near -2 and 2 hold 1 and 2 of them; mean 0.67, variance 4.22 (target: "
    )


def test_particles_in_the_plane_have_mean_and_spread():
    plane = Plane(Normal(torch.zeros(2), torch.eye(2)), ((-3, 3), (-3, 3)))
    said = plane.describe(run([[-1.0, 0.0], [1.0, 4.0]]))
    assert (
        "2 particles" in said and "mean (0.00, 2.00), standard deviations 1.00 and 2.00 (target: 1.00 and 1.00)" in said
    )


def test_curves_give_their_newest_numbers():
    curves = Curves(Numbers("Error", {"mean": lambda s: s.a, "variance": lambda s: 2 * s.a}))
    state = Made(a=0.25)
    curves.record(state)
    assert curves.describe(state) == "Error: mean 0.25 and variance 0.5."
    assert curves.describe(Made(a=0.5)) == ""  # not computed again


def test_the_microscope_measures_both_forces():
    microscope = Microscope(lambda: svgd.RBF(), signed=False)
    state = run([[0.0, 0.0]], drive=torch.tensor([[3.0, 4.0]]), repulsion=torch.tensor([[0.0, 1.0]]))
    assert microscope.describe(state) == "No particle is chosen."
    microscope.chosen = 0
    assert "Particle 1 at 0.00 and 0.00: the drive has length 5, the repulsion 1." == microscope.describe(state)


def test_pictures_of_draw_name_the_glimpse_and_its_numbers():
    state = drawing(effects=torch.tensor([0.1, 0.4]), coordinate=1)
    assert KLBars().describe(state) == ("KL of each glimpse: the largest is 5.00 at glimpse 2; 6.0 of 8.0 nats so far.")
    assert SensitivityBars().describe(state).endswith("number 2 has the largest, 0.4; number 1 has 0.1.")
    assert "at glimpse 2 of 3: stride δ 2 and width σ 2." in write_window().describe(state)
    grid = SampleGrid(Made(height=8, width=8), 4)
    assert grid.describe(state).startswith("4 images after glimpse 2 of 3: mean ink 0.25; ")
    shade = torch.zeros(1, 3, 4)
    shade[0, 1, 2] = 1.2
    pixels = PixelMap(Made(height=3, width=4), "where they differ", lambda state: shade)
    assert pixels.describe(state) == "Where they differ: mean 0.10, largest at row 2, column 3."


def test_pictures_of_dreg_give_estimates_and_truth():
    line = Frontier(apart=1.0, dreg=2.0, rws=4.0, both=2.0)
    state, settings = Made(measured=line), Made(alpha=0.5)
    assert "squared bias is 0.25 and the summed variance 2.5" in BiasVariance(settings).describe(state)
    assert "Mean squared error 2.75 at alpha = 0.50; the smallest is 2 at 0.00." == SquaredError(settings).describe(
        state
    )
    test = Made(name="stl", state=Made(n=128, norm=0.5, low=0.25, high=np.inf, log_e=np.log(100.0)))
    assert BiasInterval(1000).describe(Made(tests=(test,))) == (
        "STL: bias 0.5, interval 0.25 to infinity, after 128 replicates."
    )
    assert "STL 2.00; the threshold is 1.30." in Evidence(1000, 0.05).describe(Made(tests=(test,)))
    draw = Made(
        w=torch.tensor([0.75, 0.25]), ess=1.6, compared=("iwae", "dreg"), truth=torch.tensor([1.0, 0.0]),
        terms=torch.tensor([[[0.5, 0.0], [0.5, 1.0]], [[1.0, 0.0], [0.0, 0.0]]]),
        gradients=torch.tensor([[[1.0, 2.0], [1.0, 0.0]]]),
    )  # fmt: skip
    assert WeightedSamples(settings).describe(draw) == (
        "2 samples; the largest weight is 0.75, the effective sample size 1.60."
    )
    assert "IWAE (1.00, 1.00) and DReG (1.00, 0.00); the true gradient is (1.00, 0.00)" in (
        GradientTerms(settings).describe(draw)
    )
    assert (
        GradientScatter(settings).describe(draw)
        == "1 draw; mean distance from the true gradient: IWAE 2.00 and DReG 0.00."
    )


def test_pictures_of_regression_and_classification_give_ranges():
    noise = NoiseLevels.__new__(NoiseLevels)
    noise.true_noise = 0.5
    said = noise.describe(Made(learned=torch.tensor([0.25, 0.75])))
    assert said == "Learned noise 0.5 on average, 0.25 to 0.75; the true noise is 0.5."
    state = Made(run=run([[1.0, 2.0], [3.0, 4.0]]), weights=torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    assert (
        Precisions().describe(state) == "The precisions have log α of 2 to 4, and the weights have lengths of 1 to 5."
    )


class Count(View):
    leading = True
    asked = 0

    def describe(self, state, past=None):
        self.asked += 1
        return f"It is {state.t}."


class Silent(View):
    pass


def test_a_part_describes_its_part_of_the_state():
    assert Part(Count(), lambda state: state.left).describe(Made(left=Made(t=3))) == "It is 3."


def test_a_pause_is_described_at_once_and_a_playing_run_every_few_seconds(monkeypatch):
    told, now = [], [100.0]
    monkeypatch.setattr("labkit.views.narration.time.monotonic", lambda: now[0])
    narrator, views = Narrator(lambda *words: told.append(words)), [Count(), Silent()]
    for t in range(5):
        narrator.see(views, Made(t=t), playing=True)
    assert told == [("It is 0.", ["It is 0.", ""])]
    now[0] += PAUSE
    narrator.see(views, Made(t=5), playing=True)
    narrator.see(views, last := Made(t=6), playing=False)
    narrator.see(views, last, playing=False)
    assert [words[0] for words in told] == ["It is 0.", "It is 5.", "It is 6."]
    assert views[0].asked == 3
    assert sentence(views, last) == "It is 6."
