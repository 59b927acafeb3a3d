"""The class of all commands: the largest whole numbers that they take, and help with the names of registries."""

from typing import Any

import typer
from typer.core import TyperCommand

from labkit.cli import names
from labkit.cli.errors import fail
from labkit.training.settings import LARGEST_SEED, MOST


class Command(TyperCommand):
    """A command that refuses larger numbers in any of its options, in one line."""

    def invoke(self, ctx: Any) -> Any:
        for name, value in ctx.params.items():
            most = LARGEST_SEED if name == "seed" else MOST
            if isinstance(value, int) and value > most:
                fail(f"--{name.replace('_', '-')} must be at most {most:,}, got {_short(value)}")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # Typer would leave without a word
            raise typer.Abort from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for parameter in self.params:
            parameter.help = names.filled(parameter.help or "")
        super().format_help(ctx, formatter)


def _short(value: int) -> str:
    return str(value) if value < 10**30 else "a number of more than 30 digits"
