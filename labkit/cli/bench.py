"""`labkit bench`: this code beside a plain reference."""

from typing import Annotated

import typer

from labkit.cli.errors import unknown


def command(
    method: Annotated[str, typer.Argument(help="svgd.")] = "svgd",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds: half a minute, rougher figures.")] = False,
    fused: Annotated[bool, typer.Option(help="Measure the compiled kernel too; wants a C++ compiler.")] = True,
) -> None:
    """Measure a method beside a plain reference, in turns, on one thread."""
    if method != "svgd":
        unknown("bench", method, ["svgd"])
    from rich.console import Console

    from labkit.bench import svgd

    svgd.run(quick, fused, Console())
