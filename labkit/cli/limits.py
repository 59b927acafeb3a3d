"""The class of all commands: it limits whole numbers, and fills names of registries into help texts."""

from typing import Any

import typer
from typer.core import TyperCommand

from labkit.cli import names
from labkit.cli.errors import fail
from labkit.training.settings import LARGEST_SEED, MOST


class Command(TyperCommand):
    """A command that refuses too large a number in any option."""

    def invoke(self, ctx: Any) -> Any:
        for name, value in ctx.params.items():
            most = LARGEST_SEED if name == "seed" else MOST
            if isinstance(value, int) and value > most:
                fail(f"--{name.replace('_', '-')} must be at most {most:,}, got {_short(value)}")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # Typer would end without a message
            raise typer.Abort from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for parameter in self.params:
            parameter.help = names.filled(parameter.help or "")
        super().format_help(ctx, formatter)


def _short(value: int) -> str:
    return str(value) if value < 10**30 else "a number of more than 30 digits"
