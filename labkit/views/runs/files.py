"""A run in two files: its curves as a picture, and its sheets of samples as an animation."""

import numpy as np
from PIL import Image

from labkit.engine import Past
from labkit.experiments.runs import RunState, with_samples
from labkit.paint import save_gif
from labkit.paint.axes import LIGHT
from labkit.paint.files import Target
from labkit.paint.words import write
from labkit.views import save
from labkit.views.runs.curves import BoundCurves, BoundTerms
from labkit.views.runs.samples import rgb

SIZE = (1280, 540)  # pixels of the picture of the curves
SIDE = 480  # approximate size of an enlarged sheet, in pixels
HEAD = 28  # pixels for the line with the epoch
MOST = 60  # maximum number of sheets in an animation
SECONDS = 6.0  # approximate duration without its pause
SLOWEST, FASTEST = 2.0, 12.0  # sheets per second
LINGER = 2.0  # seconds for which the newest sheet stays


def curves(state: RunState, target: Target) -> None:
    """Write Lx and Lz, and the bound of training and test, as a PNG.

    Raises:
        ValueError: the run has no record yet.
    """
    if not state.step:
        raise ValueError(f"{state.name} has no record yet; let it train for a while")
    found = "" if state.bound is None else f"   test bound {state.bound:.2f} nats"
    past = Past(None, [state], [state.step])
    save.png(
        [BoundTerms(state), BoundCurves(state)], past, -1, target, size=SIZE, status=lambda _: f"of {state.name}{found}"
    )


def animation(state: RunState, target: Target) -> None:
    """Write the sheets of the epochs as an endless GIF that pauses at the newest.

    With more than `MOST` sheets, some are left out.

    Raises:
        ValueError: there is no sheet, or one cannot be read.
    """
    epochs = list(state.sheets)
    if not epochs:
        raise ValueError(f"{state.name} has no samples yet; let it train to the end of an epoch")
    stride = -(-len(epochs) // MOST)
    chosen = epochs[::-stride][::-1]  # always includes the newest
    frames = [_page(with_samples(state, epoch)) for epoch in chosen]
    fps = min(max(len(frames) / SECONDS, SLOWEST), FASTEST)
    save_gif(frames + [frames[-1]] * round(LINGER * fps), target, fps=fps)


def _page(state: RunState) -> Image.Image:
    """Return an enlarged sheet below the number of its epoch."""
    sheet = Image.fromarray(np.ascontiguousarray(rgb(state.sheet)))
    times = max(1, SIDE // max(sheet.size))
    sheet = sheet.resize((times * sheet.width, times * sheet.height), Image.Resampling.NEAREST)
    page = Image.new("RGB", (sheet.width, sheet.height + HEAD), LIGHT.paper)
    write(page, (8, HEAD / 2), f"epoch {state.shown}", 17, LIGHT.ink, "lm")
    page.paste(sheet, (0, HEAD))
    return page
