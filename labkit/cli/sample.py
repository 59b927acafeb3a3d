"""`labkit sample`: images from a trained network, as a picture, or as an animation or a web page of the strokes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import check_writable, fail
from labkit.experiments import defaults
from labkit.words import counted

KINDS = ("gif", "png", "mp4", "html")
SECONDS = 3.0  # about the length of an animation, without the pause at its end

_MODEL = typer.Argument(metavar="MODEL", help="A run's folder, a .safetensors file, or the name of a shipped network.")
_OUT = typer.Option(
    metavar="FILE", help="Ends in .gif, .png, .mp4 or .html.", show_default="samples.gif; for a vae samples.png"
)
_GIF = typer.Option("--gif", help="Write an animation of the strokes; FILE needs no ending.")
_PNG = typer.Option("--png", help="Write a picture of the finished images.")
_MP4 = typer.Option("--mp4", help="Write the animation as a video; needs ffmpeg.")
_HTML = typer.Option("--html", help="Write a web page that plays the strokes in any browser, also offline.")
_N = typer.Option(metavar="N", help="Number of images.", min=1)
_LABELS = typer.Option(metavar="K,K,...", help="Classes to draw, in turn.", show_default="all classes")
_TEMPERATURE = typer.Option(metavar="X", help="Standard deviation of z: 1 is the prior; less is more typical.")
_SEED = typer.Option(metavar="N", help="The same seed gives the same images.", min=0)
_WINDOW = typer.Option("--window/--no-window", help="In animations, frame the place of each stroke.")
_NEIGHBOURS = typer.Option(metavar="DATA", help="Also show the training image most similar to the last of each row.")


def command(
    model: Annotated[str, _MODEL] = defaults.NETWORK,
    n: Annotated[int, _N] = defaults.IMAGES,
    out: Annotated[Path | None, _OUT] = None,
    gif: Annotated[bool, _GIF] = False,
    png: Annotated[bool, _PNG] = False,
    mp4: Annotated[bool, _MP4] = False,
    html: Annotated[bool, _HTML] = False,
    labels: Annotated[str | None, _LABELS] = None,
    temperature: Annotated[float, _TEMPERATURE] = defaults.TEMPERATURE,
    seed: Annotated[int, _SEED] = 0,
    window: Annotated[bool, _WINDOW] = True,
    neighbours: Annotated[str | None, _NEIGHBOURS] = None,
) -> None:
    """Draw images with a trained network, as an animation of its strokes or as a picture."""
    from rich.console import Console

    from labkit.cli import console

    kinds = [kind for kind, chosen in zip(KINDS, (gif, png, mp4, html), strict=True) if chosen]
    try:
        network = _network(model)
    except (ValueError, OSError) as error:
        fail(error)
    strokes = hasattr(network.config, "steps")
    if not strokes:
        _fits(network, labels, temperature)
    path = _path(out, kinds, KINDS if strokes else ("png",))
    if path.suffix.lower() == ".html" and neighbours is not None:
        fail("--neighbours: a web page cannot show them; leave it out, or write .gif, .png or .mp4")
    try:
        with Console(stderr=True).status(f"{model} draws {counted(n, 'image')}"):
            classes = _classes(labels, network.config.classes) if strokes else []
            columns = min(len(classes), n) if len(classes) > 1 else None
            if strokes:
                _write(path, network, _drawn(network, n, classes, temperature, seed), columns, window, neighbours)
            else:
                _write_sheet(path, network.generate(n, generator=_seeded(seed)), columns, neighbours)
    except (ValueError, OSError) as error:
        fail(error)
    which = f", classes {', '.join(map(str, classes[:n]))}" if classes else ""
    each = f", {network.config.steps} strokes each" if strokes else ""
    typer.echo(f"{model}: {counted(n, 'image')}{each}{which}, seed {seed}")
    console.wrote(path)


def _fits(network: Any, labels: str | None, temperature: float) -> None:
    """Fail if an option needs a network that draws stroke by stroke."""
    if network.config.halves:
        fail("a vae with halves needs given images; use model.generate(n, given=images) in Python")
    for name, given in {"--labels": labels is not None, "--temperature": temperature != defaults.TEMPERATURE}.items():
        if given:
            fail(f"{name}: a vae does not have it, only a network that draws stroke by stroke; leave it out")


def _path(out: Path | None, kinds: list[str], able: tuple[str, ...]) -> Path:
    """Return the file to write: its ending or a flag sets its kind, by default the first possible one."""
    for kind in kinds:
        if kind not in able:
            fail(f"--{kind}: a vae does not draw in steps; use --png")
    if len(kinds) > 1:
        fail(f"--{' and --'.join(kinds)}: one command writes one file; choose one of them")
    if out is None:
        out = Path("samples")
        kinds = kinds or [able[0]]
    wanted = kinds or able
    if kinds and not out.suffix:
        out = out.with_suffix(f".{kinds[0]}")
    if out.suffix.lower() not in [f".{kind}" for kind in wanted]:
        by = f"--{kinds[0]}" if kinds else "--out"
        fail(f"{by} needs a path that ends in .{' or .'.join(wanted)}, got {out}; rename it")
    check_writable("--out", out)
    if out.suffix.lower() == ".mp4":
        from labkit.paint import video

        try:
            video.find()
        except FileNotFoundError as error:
            fail(error)
    return out


def _network(name: str) -> Any:
    """Return the trained network of that name.

    Raises:
        FileNotFoundError, ValueError: there is no such network, or it does not draw.
    """
    import labkit
    from labkit.draw import DRAW
    from labkit.dreg import VAE

    found = labkit.load_checkpoint(name)
    if not isinstance(found, (DRAW, VAE)):
        raise ValueError(f"{name} is a {type(found).__name__}, which does not draw; choose another network")
    return found


def _classes(words: str | None, known: int) -> list[int]:
    """Return the classes in these words, or all classes of the network.

    Raises:
        ValueError: the network does not have these classes.
    """
    if words is None:
        return list(range(known))
    if not known:
        raise ValueError("this network has no classes; leave --labels out, or choose a network with classes")
    try:
        found = [int(word) for word in words.split(",")]
    except ValueError:
        raise ValueError(f"--labels needs whole numbers with commas, for example 0,1,2, got {words}") from None
    if not all(0 <= each < known for each in found):
        raise ValueError(f"--labels must be from 0 to {known - 1}, got {words}")
    return found


def _drawn(network: Any, n: int, classes: list[int], temperature: float, seed: int) -> Any:
    import torch

    labels = torch.tensor([classes[i % len(classes)] for i in range(n)]) if classes else None
    with torch.no_grad():
        return network.generate(n, labels=labels, temperature=temperature, generator=_seeded(seed))


def _seeded(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)


def _write(path: Path, network: Any, trace: Any, columns: int | None, window: bool, neighbours: str | None) -> None:
    from PIL import Image

    from labkit import paint
    from labkit.paint import video
    from labkit.views import save, sheets

    last = trace.images[-1]
    if path.suffix.lower() == ".png":
        return _write_sheet(path, last, columns, neighbours)
    if path.suffix.lower() == ".html":
        return _write_page(path, network.config, trace, window)
    columns = columns or sheets.square(len(last))
    frames = sheets.animation(trace, window, columns=columns, beside=_beside(last, columns, neighbours))
    fps = _fps(len(frames))
    frames += [frames[-1]] * round(save.LINGER * fps)
    if path.suffix.lower() == ".gif":
        return paint.save_gif(map(Image.fromarray, frames), path, fps=fps)
    video.save_mp4(frames, path, fps=fps)


def _fps(frames: int) -> float:
    return min(max(frames / SECONDS, 4), 20)


def _write_page(path: Path, config: Any, trace: Any, window: bool) -> None:
    """Write the drawing, and the first image after every stroke, as a web page."""
    from dataclasses import replace

    from labkit import recordings
    from labkit.experiments.draw.drawing import Drawing
    from labkit.views.draw.grid import SampleGrid
    from labkit.views.draw.strip import CanvasStrip

    trace = trace if window else replace(trace, write=None)
    states = [Drawing(trace, stroke=t, t=t) for t in range(len(trace.canvas) + 2)]  # the last one without windows
    views = [SampleGrid(config, trace.canvas.shape[1]), CanvasStrip(config)]
    recordings.save_states(views, states, path, title="DRAW: images stroke by stroke", fps=round(_fps(len(states))))


def _write_sheet(path: Path, images: Any, columns: int | None, neighbours: str | None) -> None:
    from PIL import Image

    from labkit import paint
    from labkit.views import sheets

    columns = columns or sheets.square(len(images))
    beside = _beside(images, columns, neighbours)
    paint.save_png(Image.fromarray(sheets.sheet(images, columns, beside=beside)), path)


def _beside(images: Any, columns: int, neighbours: str | None) -> Any:
    """Return the training image most similar to the last one of each row; None without `neighbours`."""
    from labkit.views import sheets

    return None if neighbours is None else _nearest(images[sheets.row_ends(len(images), columns)], neighbours)


def _nearest(images: Any, name: str) -> Any:
    """Return the training images of a data set that are most similar to these.

    Raises:
        FileNotFoundError, ValueError: there is no such data set here, or its images have another size.
    """
    from labkit.cli import images as pictures
    from labkit.views import sheets

    channels, height, width = images.shape[1:]
    train = pictures.find(name, "grey", (height, width), channels).split("train")[0]
    return train[sheets.neighbours(images, train)]
