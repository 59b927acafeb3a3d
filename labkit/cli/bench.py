"""`labkit bench`: this code beside a plain reference."""

from typing import Annotated

import typer

from labkit.cli.errors import fail


def command(method: Annotated[str, typer.Argument(help="svgd.")] = "svgd") -> None:
    """Measure a method beside a plain reference."""
    fail(f"there is no bench of {method} yet")
