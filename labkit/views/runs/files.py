"""A run in two files: its curves as a picture, and its sheets of samples, epoch after epoch, as an animation."""

from PIL import Image

from labkit.engine import Past
from labkit.experiments.runs import RunState, with_samples
from labkit.paint import save_gif
from labkit.paint.axes import LIGHT
from labkit.paint.files import Target
from labkit.paint.words import write
from labkit.views import save
from labkit.views.runs.curves import BoundCurves, BoundTerms

SIZE = (1280, 540)  # of the curves
SIDE = 480  # pixels of an enlarged sheet, about
HEAD = 28  # pixels for the line that names the epoch
MOST = 60  # sheets in an animation
SECONDS = 6.0  # that it takes, about, but for its rest
SLOWEST, FASTEST = 2.0, 12.0  # sheets a second
LINGER = 2.0  # seconds that it rests on the newest sheet


def curves(state: RunState, target: Target) -> None:
    """Write Lx and Lz together, and the bound of training and test, as a PNG.

    Raises:
        ValueError: nothing is recorded yet.
    """
    if not state.step:
        raise ValueError(f"{state.name} has no record yet; let it train for a while")
    found = "" if state.bound is None else f"   test bound {state.bound:.2f} nats"
    past = Past(None, [state], [state.step])
    save.png(
        [BoundTerms(state), BoundCurves(state)], past, -1, target, size=SIZE, status=lambda _: f"of {state.name}{found}"
    )


def animation(state: RunState, target: Target) -> None:
    """Write the sheets of the epochs as an endless GIF that rests on the newest; of more than `MOST` some are left out.

    Raises:
        ValueError: there is no sheet, or one cannot be read.
    """
    epochs = list(state.sheets)
    if not epochs:
        raise ValueError(f"{state.name} has no samples yet; let it train to the end of an epoch")
    stride = -(-len(epochs) // MOST)
    chosen = epochs[::-stride][::-1]  # the newest always
    frames = [_page(with_samples(state, epoch)) for epoch in chosen]
    fps = min(max(len(frames) / SECONDS, SLOWEST), FASTEST)
    save_gif(frames + [frames[-1]] * round(LINGER * fps), target, fps=fps)


def _page(state: RunState) -> Image.Image:
    """A sheet, enlarged, under the number of its epoch."""
    sheet = Image.fromarray(state.sheet).convert("RGB")
    times = max(1, SIDE // max(sheet.size))
    sheet = sheet.resize((times * sheet.width, times * sheet.height), Image.Resampling.NEAREST)
    page = Image.new("RGB", (sheet.width, sheet.height + HEAD), LIGHT.paper)
    write(page, (8, HEAD / 2), f"epoch {state.shown}", 17, LIGHT.ink, "lm")
    page.paste(sheet, (0, HEAD))
    return page
