"""`labkit evaluate`: the bound of a trained network on test images, in nats, and its parts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli import images as pictures
from labkit.cli.errors import fail, unknown
from labkit.cli.methods import METHODS, shape_of


def command(
    model: Annotated[
        str, typer.Argument(help="A run's folder, a .safetensors file, or the name of a shipped network.")
    ],
    data: Annotated[
        str | None, typer.Option(help="Data set, or your own images.", show_default="those of its training")
    ] = None,
    split: Annotated[str, typer.Option(help="train, valid or test, if the data set has it.")] = "test",
    binarize: Annotated[
        str | None,
        typer.Option(help="How images become black and white: {binarisations}.", show_default="as in its training"),
    ] = None,
    samples: Annotated[
        int, typer.Option(help="Importance samples per image, for an estimate of log p(x); 0 skips it.", min=0)
    ] = 0,
    images: Annotated[int | None, typer.Option(help="Only the first N images.", min=1, show_default="all")] = None,
    batch: Annotated[int, typer.Option(help="Images per batch.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the noise.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Measure the bound of a trained network in nats: the part of the pixels and the parts of the latents."""
    from labkit import models
    from labkit.data.binarisation import BINARISATIONS

    try:
        about = models.card(model)
        checksum = about.get("images", "") if data is None else ""
        data, binarize = data or about.get("data", "mnist"), binarize or about.get("binarisation", "stochastic")
        if binarize not in BINARISATIONS:
            unknown("binarisation", binarize, BINARISATIONS)
        network, method = models.load_checkpoint(model), METHODS[about["kind"]]
        given = pictures.find(data, binarize, **shape_of(vars(network.config)), checksum=checksum)
        task = method.test(network, about, given.binarize, given.data)
        held = tuple(part[:images] for part in given.split(split))
        found = measure(task, held, samples, batch, seed, device)
    except (ValueError, OSError, TypeError) as error:
        fail(error)
    where = f"{given.data} {split}, {len(held[0]):,} images, binarisation {given.binarize}"
    _show(found, method.part, f"{Path(model).name} on {where}")


def measure(task: Any, data: tuple, samples: int, batch: int, seed: int, device: str) -> dict[str, Any]:
    """Return the result of `Task.evaluate`, and show a progress bar.

    With samples, the result also has "log_p" and, for two images or more, its standard "error".

    Raises:
        ValueError: the device does not exist, the images do not fit the network, or a number is not finite.
    """
    import torch

    from labkit.cli.console import bar
    from labkit.serving import devices

    where = torch.device(devices.choose(device))
    task.module.to(where)
    here = tuple(part.to(where) for part in data)
    generator = torch.Generator(where).manual_seed(seed)
    chunks = torch.arange(len(data[0]), device=where).split(batch)
    log_p = []

    def batches() -> Any:
        with bar("images") as progress:
            for index in progress.track(chunks, description="evaluate"):
                chosen = task.batch(here, index, generator)
                if samples:
                    log_p.append(METHODS[task.kind].log_p(task.module, chosen, samples, generator).double())
                yield chosen

    found = task.evaluate(task.module, batches(), generator)
    if samples:
        each = torch.cat(log_p)
        if bad := int((~each.isfinite()).sum()):
            raise ValueError(
                f"log p(x) must be finite, got {bad} of {len(each)} images where it is not; use more --samples"
            )
        found |= {"samples": samples, "log_p": float(each.mean())}
        found |= {"error": float(each.std() / len(each) ** 0.5)} if len(each) > 1 else {}  # one image has no error
    return found


def _show(found: dict[str, Any], part: str, title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("nats", justify="right")
    rows = {"upper bound on -log p(x)": found["bound"], "Lx, pixels": found["lx"], "Lz, KL of the latents": found["lz"]}
    if "log_p" in found:
        rows[f"-log p(x), {found['samples']} importance samples"] = -found["log_p"]
    for name, value in rows.items():
        table.add_row(name, f"{value:.2f}")
    if "error" in found:
        table.add_row("standard error of log p(x)", f"{found['error']:.2f}")
    if "active" in found:
        table.add_row("active units (count)", str(found["active"]))
    for t, kl in enumerate(found["kl"], 1):
        table.add_row(f"KL of {part} {t}", f"{kl:.2f}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(title, markup=False)
    console.print(table)
