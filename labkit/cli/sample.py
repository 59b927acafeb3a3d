"""`labkit sample`: what a trained network draws, as a picture or as an animation of the drawing."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import check_writable, fail

KINDS = ("gif", "png", "mp4")
SECONDS = 3.0  # of an animation, about, before it rests on its end

_MODEL = typer.Argument(metavar="MODEL", help="The folder of a run, a .safetensors file, or a shipped network's name.")
_OUT = typer.Option(metavar="FILE", help="Ends in .gif, .png or .mp4.", show_default="samples.gif, of a vae .png")
_GIF = typer.Option("--gif", help="An animation of the drawing, in a file that needs no suffix.")
_PNG = typer.Option("--png", help="A picture of what came out.")
_MP4 = typer.Option("--mp4", help="The animation as a film; needs ffmpeg.")
_N = typer.Option(metavar="N", help="How many images.", min=1)
_LABELS = typer.Option(metavar="K,K,...", help="Which classes, again and again.", show_default="all it knows")
_TEMPERATURE = typer.Option(metavar="X", help="Deviation of z: 1 is the prior, less gives more usual images.")
_SEED = typer.Option(metavar="N", help="The same seed gives the same images.", min=0)
_WINDOW = typer.Option("--window/--no-window", help="Mark in red where each stroke is laid, in animations.")
_NEIGHBOURS = typer.Option(metavar="DATA", help="Beside each row, the training image nearest to its last one.")


def command(
    model: Annotated[str, _MODEL],
    n: Annotated[int, _N] = 16,
    out: Annotated[Path | None, _OUT] = None,
    gif: Annotated[bool, _GIF] = False,
    png: Annotated[bool, _PNG] = False,
    mp4: Annotated[bool, _MP4] = False,
    labels: Annotated[str | None, _LABELS] = None,
    temperature: Annotated[float, _TEMPERATURE] = 1.0,
    seed: Annotated[int, _SEED] = 0,
    window: Annotated[bool, _WINDOW] = True,
    neighbours: Annotated[str | None, _NEIGHBOURS] = None,
) -> None:
    """Draw images with a trained network: an animation of its strokes, or a picture of what came out."""
    from rich.console import Console

    from labkit.cli import console

    kinds = [kind for kind, chosen in zip(KINDS, (gif, png, mp4), strict=True) if chosen]
    try:
        network = _network(model)
    except (ValueError, OSError) as error:
        fail(error)
    strokes = hasattr(network.config, "steps")
    if not strokes:
        _fits(network, labels, temperature)
    path = _path(out, kinds, KINDS if strokes else ("png",))
    try:
        with Console(stderr=True).status(f"{model} draws {n} images"):
            classes = _classes(labels, network.config.classes) if strokes else []
            columns = min(len(classes), n) if len(classes) > 1 else None
            if strokes:
                _write(path, _drawn(network, n, classes, temperature, seed), columns, window, neighbours)
            else:
                _write_sheet(path, network.generate(n, generator=_seeded(seed)), columns, neighbours)
    except (ValueError, OSError) as error:
        fail(error)
    which = f", classes {', '.join(map(str, classes[:n]))}" if classes else ""
    each = f", {network.config.steps} strokes each" if strokes else ""
    typer.echo(f"{model}: {n} images{each}{which}, seed {seed}")
    console.wrote(path)


def _fits(network: Any, labels: str | None, temperature: float) -> None:
    """Fail on what only a network that draws stroke by stroke can do."""
    if network.config.halves:
        fail("a vae with halves goes on from images, got none to give it; use model.generate(n, given=images)")
    for name, given in {"--labels": labels is not None, "--temperature": temperature != 1}.items():
        if given:
            fail(f"{name} is of a network that draws stroke by stroke, got a vae; leave it out")


def _path(out: Path | None, kinds: list[str], able: tuple[str, ...]) -> Path:
    """The file that is asked for by its suffix or by a flag; the first that the network is able to is the default."""
    for kind in kinds:
        if kind not in able:
            fail(f"a vae draws nothing step by step, got --{kind}; take --png")
    if len(kinds) > 1:
        fail(f"one file is written at a time, got --{' and --'.join(kinds)}; choose one")
    if out is None:
        out = Path("samples")
        kinds = kinds or [able[0]]
    wanted = kinds or able
    if kinds and not out.suffix:
        out = out.with_suffix(f".{kinds[0]}")
    if out.suffix.lower() not in [f".{kind}" for kind in wanted]:
        by = f"--{kinds[0]}" if kinds else "--out"
        fail(f"{by} wants a path that ends in .{' or .'.join(wanted)}, got {out}; rename it")
    check_writable("--out", out)
    if out.suffix.lower() == ".mp4":
        from labkit.paint import video

        try:
            video.find()
        except FileNotFoundError as error:
            fail(error)
    return out


def _network(name: str) -> Any:
    """The trained network of that name.

    Raises:
        FileNotFoundError, ValueError: there is none, or it is none that draws.
    """
    import labkit
    from labkit.draw import DRAW
    from labkit.dreg import VAE

    found = labkit.load_checkpoint(name)
    if not isinstance(found, (DRAW, VAE)):
        raise ValueError(f"{name} must be a network that draws, got a {type(found).__name__}; name another")
    return found


def _classes(words: str | None, known: int) -> list[int]:
    """The classes that are asked for, all of them where none is.

    Raises:
        ValueError: they are no classes of this network.
    """
    if words is None:
        return list(range(known))
    if not known:
        raise ValueError("this network knows no classes; leave --labels out, or name a network with classes")
    try:
        found = [int(word) for word in words.split(",")]
    except ValueError:
        raise ValueError(f"--labels wants whole numbers by comma, 0,1,2 for example, got {words}") from None
    if not all(0 <= each < known for each in found):
        raise ValueError(f"labels must lie in 0 to {known - 1}, got {words}")
    return found


def _drawn(network: Any, n: int, classes: list[int], temperature: float, seed: int) -> Any:
    import torch

    labels = torch.tensor([classes[i % len(classes)] for i in range(n)]) if classes else None
    with torch.no_grad():
        return network.generate(n, labels=labels, temperature=temperature, generator=_seeded(seed))


def _seeded(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)


def _write(path: Path, trace: Any, columns: int | None, window: bool, neighbours: str | None) -> None:
    from PIL import Image

    from labkit import paint
    from labkit.paint import video
    from labkit.views import save, sheets

    last = trace.images[-1]
    if path.suffix.lower() == ".png":
        return _write_sheet(path, last, columns, neighbours)
    columns = columns or sheets.square(len(last))
    frames = sheets.animation(trace, window, columns=columns, beside=_beside(last, columns, neighbours))
    fps = min(max(len(frames) / SECONDS, 4), 20)
    frames += [frames[-1]] * round(save.LINGER * fps)
    if path.suffix.lower() == ".gif":
        return paint.save_gif(map(Image.fromarray, frames), path, fps=fps)
    video.save_mp4(frames, path, fps=fps)


def _write_sheet(path: Path, images: Any, columns: int | None, neighbours: str | None) -> None:
    from PIL import Image

    from labkit import paint
    from labkit.views import sheets

    columns = columns or sheets.square(len(images))
    beside = _beside(images, columns, neighbours)
    paint.save_png(Image.fromarray(sheets.sheet(images, columns, beside=beside)), path)


def _beside(images: Any, columns: int, neighbours: str | None) -> Any:
    """Of each row the training image nearest to its last one, where they are asked for."""
    from labkit.views import sheets

    return None if neighbours is None else _nearest(images[sheets.row_ends(len(images), columns)], neighbours)


def _nearest(images: Any, name: str) -> Any:
    """The training images of a data set nearest to these.

    Raises:
        FileNotFoundError, ValueError: there is no such set here, or its images are of another size.
    """
    from labkit.data import load
    from labkit.views import sheets

    train, _ = load(name, "train")
    return train[sheets.neighbours(images, train)]
