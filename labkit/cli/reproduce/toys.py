"""The toys: the run of the mixture and its errors, and the normal of the original."""

from pathlib import Path

import torch
from rich import box
from rich.table import Table

from labkit.cli.console import bar, wide, wrote


def gmm(seed: int, out: Path) -> None:
    """Write the snapshots as one picture, and the run as a GIF."""
    from labkit import svgd, targets
    from labkit.cli.reproduce.pictures import snapshots_picture
    from labkit.engine import Past
    from labkit.reproduce import gmm as figure
    from labkit.views import save
    from labkit.views.svgd import Line

    torch.set_num_threads(1)
    states = figure.run(seed=seed)
    shown = [states[t] for t in figure.SNAPSHOTS]
    picture, moving = out / "gmm.png", out / "gmm.gif"
    snapshots_picture(shown, targets.Mixture(), picture)
    past = Past(pins=figure.SNAPSHOTS)
    for state in states[:: max(1, len(states) // 100)]:
        past.add(state, state.t)
    save.gif([Line(targets.Mixture, (-14.0, 8.0))], past, moving)
    x = states[-1].x
    told = f"mean {float(x.mean()):.3f} (exact .667), variance {float(x.var(correction=0)):.3f} (4.556)"
    ksd = float(svgd.ksd(x, targets.Mixture().score))
    wide().print(f"after {states[-1].t} steps: {told}, P(x < 0) {float((x < 0).double().mean()):.3f} "
                                   f"(.341), KSD (RBF, median h) {ksd:.3g}")  # fmt: skip
    wrote(picture, moving)


def gmm_mse(seed: int, out: Path) -> None:
    """Show log10 mean squared errors, compared with those of the original program."""
    from labkit.cli.reproduce.pictures import errors_picture
    from labkit.paint.files import save_table
    from labkit.reproduce import gmm as figure

    torch.set_num_threads(1)
    with bar("sizes") as progress:
        found = [figure.errors(n, seed) for n in progress.track(figure.SIZES, description="gmm-mse")]
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("n", justify="right")
    for name in figure.QUANTITIES:
        table.add_column(name, justify="right")
        table.add_column("original", justify="right", style="dim")
    for each in found:
        known = figure.REFERENCE.get(each.n, ((None, None),) * 3)
        cells = []
        for ours, draws, (theirs, free) in zip(each.svgd, each.draws, known, strict=True):
            cells += [f"{ours:.2f} / {draws:.2f}", "" if theirs is None else f"{theirs:.2f} / {free:.2f}"]
        table.add_row(str(each.n), *cells)
    path, picture = out / "gmm-mse.csv", out / "gmm-mse.png"
    rows = ([each.n, *row] for each in found for row in zip(figure.QUANTITIES, each.svgd, each.draws, strict=True))
    save_table(["n", "quantity", "svgd", "draws"], rows, path)
    errors_picture(found, picture)
    console = wide()
    console.print(f"log10 mean squared error, SVGD / independent draws; {figure.REPEATS} repeats, seed {seed}")
    console.print(table)
    wrote(path, picture)


def mvn(seed: int, out: Path) -> None:
    """Show mean and variances, compared with the exact ones."""
    from labkit.paint.files import save_table
    from labkit.reproduce import mvn as figure

    torch.set_num_threads(1)
    found = figure.run(seed=seed)
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("", "particles", "exact"):
        table.add_column(name, justify="right")
    for i in (0, 1):
        table.add_row(f"mean {i + 1}", f"{found.mean[i]:.4f}", f"{found.exact_mean[i]:.4f}")
    rows = [("variance 1", 0, 0), ("variance 2", 1, 1), ("covariance", 0, 1)]
    for name, i, j in rows:
        table.add_row(name, f"{found.covariance[i, j]:.4f}", f"{found.exact_covariance[i, j]:.4f}")
    path = out / "mvn.csv"
    numbers = [[f"mean {i + 1}", float(found.mean[i]), float(found.exact_mean[i])] for i in (0, 1)]
    numbers += [[name, float(found.covariance[i, j]), float(found.exact_covariance[i, j])] for name, i, j in rows]
    save_table(["number", "particles", "exact"], numbers, path)
    console = wide()
    console.print(f"{figure.PARTICLES} particles, {figure.STEPS} steps of {figure.STEP_SIZE}, seed {seed}")
    console.print(table)
    wrote(path)
