"""Makes the pictures of the start page: python dashboards/pictures/make.py [FOLDER]

Each page has an animation, and a still picture for readers who prefer less motion; both on light and on dark paper.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import holoviews as hv
import numpy as np
from PIL import Image

import labkit
from labkit.experiments import runs
from labkit.experiments.draw import GenerateSettings
from labkit.experiments.dreg import VarianceSettings
from labkit.experiments.runs import RunState, directory
from labkit.experiments.svgd import ParticlesSettings
from labkit.paint import Painter, save_gif, save_png
from labkit.stream import iterate
from labkit.views.backend import use_bokeh
from labkit.views.draw import SampleGrid
from labkit.views.dreg import Scaling
from labkit.views.runs import BoundCurves, SampleSheet
from labkit.views.svgd import Plane
from labkit.views.view import View, columns_of

SIZE = 360, 203  # pixels
FPS, LINGER = 8, 16  # frames per second, and for how many frames the last one stays
NAMES = 20  # the axis of the estimators ends at this multiple of the largest K, to leave space for their names
COLOURS = {"draw": 12, "dreg": 48}  # in one animation: few make a small file; by default up to 255
BARE = {"title": "", "xaxis": None, "yaxis": None, "show_legend": False}
Film = tuple[list[View], list[Any]]  # views, and the states that they show


def svgd() -> Film:
    """Return particles that spread over the banana."""
    settings = ParticlesSettings(target="banana", n=100, begin_mean=0.0, begin_scale=0.3, step_size=0.2)
    target = settings.density()
    return [Plane(target, target.plot_range, n=100)], list(islice(iterate(settings.step, settings.start()), 0, 50, 2))


def draw() -> Film:
    """Return digits that a network draws."""
    settings = GenerateSettings(labkit.load_checkpoint("draw-paper"), n=28, seed=2)
    grid = SampleGrid(settings.model.config, settings.n)
    grid.across = 7
    states = islice(iterate(settings.step, settings.start()), 5, settings.model.config.steps + 2, 6)
    return [grid], [state for state in states for _ in range(2)]


class Slopes(Scaling):
    """Bold lines with their names and slopes, without remarks."""

    def picture(self, state: Any) -> hv.Overlay:
        bold = {hv.Curve: {"line_width": 4.5}, hv.Scatter: {"size": 10}, hv.Labels: {"text_font_size": "18px"}}
        layers = [
            layer if layer.label == "exact" else layer.opts(**bold.get(type(layer), {}))
            for layer in super().picture(state)
        ]
        axes = {"xlim": (0.8, NAMES * state.sizes[-1]), "ylim": self._limits, "logx": True, "logy": True}
        return hv.Overlay(layers).opts(**axes)

    def columns(self, state: Any, past: Any = None) -> dict[str, dict[str, Any]]:
        return {
            layer: columns | {"text": [each.partition(",")[0] for each in columns["text"]]}
            if "text" in columns
            else columns
            for layer, columns in super().columns(state, past).items()
        }


def dreg() -> Film:
    """Return the variance of two estimators, which more replicates find more exactly."""
    settings = VarianceSettings(batch=20, estimators=["iwae", "dreg"])
    return [Slopes(settings)], list(islice(iterate(settings.step, settings.start()), 1, 30))


def training() -> Film:
    """Return the example run: its bound, and the samples of three epochs."""
    run = runs.read(directory.EXAMPLES / "example-digits")
    first = int((run.metrics["epoch"] < min(run.sheets)).sum()) + 1
    states = [until(run, row) for row in range(first, len(run.metrics["step"]) + 1, 2)]
    return [SampleSheet(states[0]), BoundCurves(run)], states


def until(run: RunState, row: int) -> RunState:
    """Return a run as it was at a row of its records, with the newest samples of that time."""
    step, epoch = run.metrics["step"][row - 1], run.metrics["epoch"][row - 1]
    known = run.epochs["step"] <= step
    metrics = {name: values[:row] for name, values in run.metrics.items()}
    epochs = {name: values[known] for name, values in run.epochs.items()}
    shown = max(each for each in run.sheets if each <= epoch)
    return runs.with_samples(replace(run, metrics=metrics, epochs=epochs), shown)


FILMS: dict[str, Callable[[], Film]] = {"svgd": svgd, "draw": draw, "dreg": dreg, "runs": training}


def paint(views: list[View], states: list[Any], dark: bool) -> list[Image.Image]:
    """Return one frame for each state, without text around the pictures."""
    pictures = [view.picture(states[-1]).opts(**BARE) for view in views]
    pictures = [
        each.opts(aspect=view.aspect) if view.aspect else each for view, each in zip(views, pictures, strict=True)
    ]
    painter = Painter(pictures[0] if len(views) == 1 else hv.Layout(pictures), SIZE, dark)
    columns = [columns_of(views, state, None) for state in states]
    painter.fit(columns[-1])
    return [painter.frame(each) for each in columns]


def coloured(frames: list[Image.Image], most: int) -> list[Image.Image]:
    """Return the frames in few colours that fit all of them."""
    some = [np.asarray(frame) for frame in frames[:: max(1, len(frames) // 4)]]
    palette = Image.fromarray(np.concatenate(some)).quantize(most)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB") for frame in frames]


def main(folder: Path) -> None:
    """Write the pictures of all pages into a folder."""
    use_bokeh()
    for name, film in FILMS.items():
        views, states = film()
        for dark in (False, True):
            frames, path = paint(views, states, dark), folder / f"{name}-{'dark' if dark else 'light'}"
            frames = coloured(frames, COLOURS[name]) if name in COLOURS else frames
            save_gif([*frames, *repeat(frames[-1], LINGER)], path.with_suffix(".gif"), fps=FPS)
            save_png(frames[-1], path.with_suffix(".png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
