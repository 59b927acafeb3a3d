"""`labkit bench`: this code beside a plain reference."""

from typing import Annotated

import typer

from labkit.cli.errors import unknown


def command(
    method: Annotated[str, typer.Argument(help="svgd, draw or dreg.")] = "svgd",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds: half a minute, rougher figures.")] = False,
    fused: Annotated[bool, typer.Option(help="svgd: measure the compiled kernel too; wants a C++ compiler.")] = True,
) -> None:
    """Measure a method beside a plain reference, in turns, on one thread."""
    if method not in ("svgd", "draw", "dreg"):
        unknown("bench", method, ["svgd", "draw", "dreg"])
    from rich.console import Console

    if method == "draw":
        from labkit.bench import draw

        draw.run(quick, Console())
        return
    if method == "dreg":
        from labkit.bench import dreg

        dreg.run(quick, Console())
        return
    from labkit.bench import svgd

    svgd.run(quick, fused, Console())
