"""`labkit evaluate`: the bound of a trained network on test images, in nats, and its parts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli import images as pictures
from labkit.cli.errors import fail, unknown
from labkit.cli.methods import COARSE, METHODS, shape_of

AT_A_TIME = 20_000  # images x importance samples between two steps of the progress bar


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
    every: Annotated[int, typer.Option(help="Only every N-th image, for fewer ones of all kinds.", min=1)] = 1,
    batch: Annotated[int, typer.Option(help="Images per batch.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the noise.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="32 or bf16 (large products in bfloat16, as in training).")] = "32",
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
        if precision not in ("32", "bf16"):
            unknown("precision", precision, ("32", "bf16"))
        if precision == "bf16" and about["kind"] == "vae":
            fail(COARSE)
        network, method = models.load_checkpoint(model), METHODS[about["kind"]]
        given = pictures.find(data, binarize, **shape_of(vars(network.config)), checksum=checksum)
        task = method.test(network, about, given.binarize, given.data)
        held = tuple(part[::every][:images] for part in given.split(split))
        found = measure(task, held, samples, batch, seed, device, precision)
    except (ValueError, OSError, TypeError) as error:
        fail(error)
    where = f"{given.data} {split}, {len(held[0]):,} images, binarisation {given.binarize}"
    _show(found, method.part, f"{Path(model).name} on {where}")


def measure(
    task: Any, data: tuple, samples: int, batch: int, seed: int, device: str, precision: str = "32"
) -> dict[str, Any]:
    """Return the result of `Task.evaluate`, and show a progress bar.

    With samples, the result also has "log_p", and "gap", which is log p(x) minus the ELBO of the same samples. For two
    images or more it has their standard errors, "log_p_error" and "gap_error".

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
    size = min(batch, max(1, AT_A_TIME // samples)) if samples else batch
    chunks = torch.arange(len(data[0]), device=where).split(size)
    each = []

    def batches() -> Any:
        with bar("images") as progress:
            for index in progress.track(chunks, description="evaluate"):
                chosen = task.batch(here, index, generator)
                if samples:
                    pair = METHODS[task.kind].estimates(task.module, chosen, samples, generator)
                    each.append(torch.stack(pair).double())
                yield chosen

    with torch.autocast(where.type, torch.bfloat16, enabled=precision == "bf16"):
        found = task.evaluate(task.module, batches(), generator)
    return found | (_likelihood(torch.cat(each, 1), samples) if samples else {})


def _likelihood(each: Any, samples: int) -> dict[str, Any]:
    """Return means and standard errors of log p(x), the first row, and of its distance from the ELBO, the second."""
    log_p, elbo = each
    if bad := int((~log_p.isfinite()).sum()):
        raise ValueError(
            f"log p(x) must be finite, got {bad} of {len(log_p)} images where it is not; use more --samples"
        )
    found: dict[str, Any] = {"samples": samples}
    for name, values in {"log_p": log_p, "gap": log_p - elbo}.items():
        found[name] = float(values.mean())
        if len(values) > 1:  # one image has no error
            found[f"{name}_error"] = float(values.std() / len(values) ** 0.5)
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
        rows |= {"standard error of log p(x)": found.get("log_p_error"), "gap of the ELBO to log p(x)": found["gap"]}
        rows["standard error of the gap"] = found.get("gap_error")
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, f"{value:.2f}")
    if "active" in found:
        table.add_row("active units (count)", str(found["active"]))
    for t, kl in enumerate(found["kl"], 1):
        table.add_row(f"KL of {part} {t}", f"{kl:.2f}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(title, markup=False)
    console.print(table)
