"""`labkit dreg race`: small networks that train side by side, as a table, curves and a picture."""

from pathlib import Path
from typing import Any, NamedTuple

from labkit.experiments import defaults

FILES = "race.csv", "race.png"
SAMPLES, STEPS = defaults.RACE_SAMPLES, 500  # by default
SIZE = 1280, 860  # pixels of the picture


class Raced(NamedTuple):
    """A race that has ended: its last state, its data, and the steps that it should take."""

    state: Any
    data: str
    steps: int


def name(word: str) -> str:
    """Return the estimator in NAME, NAME@K, NAME=ALPHA or NAME=ALPHA@K."""
    return word.split("@")[0].split("=")[0]


def measured(words: list[str], data: str, samples: int, steps: int, batch: int, lr: float, seed: int) -> Raced:
    """Return the race after these steps, or when Ctrl-C stopped it.

    Raises:
        ValueError, OSError: from the data or the race.
    """
    import time

    import torch

    from labkit.cli import images, interrupts
    from labkit.cli.console import LOOK, bar
    from labkit.dreg import racing

    torch.set_num_threads(1)  # times are measured on one thread
    lanes = [racing.entry(word) for word in words]
    found = images.find(data, "stochastic", channels=1)
    track = racing.Track(*(found.split(split)[0] for split in ("train", "test")), seed=seed)
    state, looked = racing.start(track, lanes, k=samples), 0.0
    with bar("best held-out bound {task.fields[best]} nats") as progress, interrupts.first() as pressed:
        task = progress.add_task("race", total=steps, best="-")
        while state.t < steps and not pressed:
            state = racing.step(state, track, k=samples, batch=batch, lr=lr)
            if time.monotonic() - looked > LOOK:
                looked = time.monotonic()
                best = max(lane.looks[-1, 2].item() for lane in state.lanes)
                progress.update(task, completed=state.t, best=f"{best:.2f}")
    return Raced(racing.look(state, track, k=samples), data, steps)


def show(raced: Raced) -> None:
    """Print the last state of each lane."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from labkit.dreg.racing import HELD, HELD_SAMPLES, IMAGES

    state, data, steps = raced
    console, table = Console(highlight=False, soft_wrap=True), Table(box=box.SIMPLE_HEAD)
    table.add_column("lane", no_wrap=True)
    for name in ("bound", "Monte Carlo\nvariance", "minibatch\nvariance", "SNR", "ms\nper step"):
        table.add_column(name, justify="right", no_wrap=True)
    for lane in state.lanes:
        bound, noise, images, snr = lane.looks[-1, 2:6].tolist()
        pace = f"{1000 * lane.seconds / state.t:.1f}" if state.t else "-"
        table.add_row(lane.entry.label, f"{bound:.3f}", f"{noise:.3g}", f"{images:.3g}", f"{snr:.3g}", pace)
    early = "" if state.t == steps else f" of {steps} (stopped early)"
    console.print(
        f"{data}, {state.t} steps{early}; bound in nats on {HELD} held-out images, K = {HELD_SAMPLES}; variances of "
        f"the gradient of q on {IMAGES} images, averaged over coordinates"
    )
    console.print(table)


def write(raced: Raced, folder: Path) -> list[Path]:
    """Write the curves as CSV and as a picture; return their paths."""
    from labkit.engine import Past
    from labkit.views import save
    from labkit.views.dreg import race, save_race_csv

    state = raced.state
    csv, png = (folder / file for file in FILES)
    save_race_csv(state, csv)
    views = [race.bound(), race.variance(), race.lead(state.lanes[0].entry.label), race.snr()]
    save.png(views, Past(None, [state], [state.t]), -1, png, size=SIZE)
    return [csv, png]
