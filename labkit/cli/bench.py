"""`labkit bench`: the speed of labkit, compared with a plain reference."""

from importlib import import_module
from typing import Annotated

import typer

from labkit.cli.errors import unknown

METHODS = ("svgd", "posteriors", "draw", "dreg", "serve")


def command(
    method: Annotated[str, typer.Argument(help="svgd, posteriors, draw, dreg or serve.")] = "svgd",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds: half a minute, less exact figures.")] = False,
    fused: Annotated[
        bool, typer.Option(help="svgd: also measure the compiled kernel, which needs a C++ compiler.")
    ] = True,
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            show_default="all",
            help="serve: speed, leaks, log or restart; may be repeated. The log alone takes ten minutes.",
        ),
    ] = None,
) -> None:
    """Measure a method and a plain reference alternately, on one thread; or a server with a class of clients."""
    if method not in METHODS:
        unknown("benchmark", method, METHODS)
    from rich.console import Console

    console, bench = Console(), import_module(f"labkit.bench.{method}")
    if method == "svgd":
        bench.run(quick, fused, console)
    elif method == "serve":
        for name in part or ():
            if name not in bench.PARTS:
                unknown("part", name, bench.PARTS)
        bench.run(quick, console, parts=tuple(part or bench.PARTS))
    else:
        bench.run(quick, console)
