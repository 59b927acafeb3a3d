"""`labkit dreg variance`: the variance of every estimator by the number of samples K."""

from pathlib import Path
from typing import Any

BATCHES = 20  # at least: intervals come from the spread of the batches
FILES = "variance.csv", "variance.png"
ANIMATION, SPEED, SIZE = "variance.gif", 8, (720, 405)  # frames per second; width and height in pixels
PAGE, TITLE = "variance.html", "DReG: the variance of gradient estimators"  # the web page and its title
ALSO = {"gif": ANIMATION, "html": PAGE}  # files that an option adds
SAMPLES, REPLICATES = 1024, 2000  # by default


def sizes(samples: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... and the largest."""
    return (*(1 << i for i in range((samples - 1).bit_length())), samples)


def measured(names: list[str], dim: int, sizes: tuple[int, ...], replicates: int, seed: int) -> Any:
    """Return the past of the measurement: its state after each of several equal batches, `replicates` or a few more."""
    import torch

    from labkit.cli import interrupts
    from labkit.cli.console import bar
    from labkit.engine import Past
    from labkit.experiments.dreg.variance import VarianceSettings, batch_size

    torch.set_num_threads(1)  # more threads are slower on small problems
    batch = min(batch_size(len(names), dim, sizes[-1]), replicates // BATCHES)
    settings = VarianceSettings(sizes, batch, estimators=names, dim=dim, seed=seed)
    count, past = -(-replicates // batch), Past()
    with bar("batches") as progress, interrupts.first() as pressed:
        task = progress.add_task("variance", total=count, completed=1)
        past.add(settings.start())
        for _ in range(count - 1):
            if pressed and past.states[-1].batches.n > 1:
                break
            past.add(settings.step(past.states[-1]))
            progress.advance(task)
    return past


def show(past: Any) -> None:
    """Print the variances of the last state, one row for each K, and their slopes."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from labkit.experiments.dreg.variance import between

    measured = past.states[-1]
    values, (low, high) = measured.values("variance"), measured.interval("variance")
    console, table = Console(highlight=False, soft_wrap=True), Table(box=box.SIMPLE_HEAD)
    for name in ("K", *measured.estimators):
        table.add_column(name, justify="right", no_wrap=True)
    for j, k in enumerate(measured.sizes):
        table.add_row(str(k), *(_cell(values[i, j], high[i, j] - low[i, j]) for i in range(len(values))))
    slopes = [f"{rate:.2f}" if rate == rate else "" for rate in measured.slopes("variance")]
    table.add_section()
    table.add_row("slope", *slopes)
    toy = measured.toy
    where = f"D = {toy.dim}, |m - a| = {toy.distance:.2f}, V = {toy.variance:.3f}"
    console.print(f"variance of the gradient, averaged over coordinates: {where}; {measured.total.n:,} replicates")
    console.print(table)
    for name, sizes in zip(measured.estimators, measured.doubted("variance"), strict=True):
        if sizes:
            console.print(f"{name}: no interval at {between(sizes)}; {measured.total.n:,} replicates are too few")


def _cell(value: Any, width: Any) -> str:
    """Return a variance with half the width of its 95 % interval in percent, if it has an interval."""
    if value == 0 or value != value:
        return "0" if value == 0 else "-"
    if width != width:
        return f"{value:.3g}"
    return f"{value:.3g} ± {50 * width / value:.0f}%"


def write(past: Any, folder: Path, gif: bool = False, html: bool = False) -> list[Path]:
    """Write the table as CSV and as a picture, and the measurement as an animation and a web page; return their paths.

    Args:
        gif, html: whether the animation and the web page are written.
    """
    from labkit.cli.console import tracked
    from labkit.experiments.dreg.variance import VarianceSettings
    from labkit.views import save
    from labkit.views.dreg import Scaling, save_csv

    view, paths = Scaling(VarianceSettings()), [folder / name for name in FILES]
    save_csv(past.states[-1], paths[0])
    save.png(view, past, -1, paths[1], status=_status)
    if gif:
        track = tracked(ANIMATION, len(save.thinned(past)))
        paths.append(folder / ANIMATION)
        save.gif(view, past, paths[-1], fps=SPEED, size=SIZE, track=track, status=_status)
    if html:
        from labkit import recordings

        track = tracked(PAGE, recordings.count(past))
        paths.append(folder / PAGE)
        recordings.save_past(view, past, paths[-1], title=TITLE, fps=SPEED, track=track, status=_status)
    return paths


def _status(state: Any) -> str:
    return f"{state.total.n:,} replicates"
