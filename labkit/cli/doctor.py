"""`labkit doctor`: check this installation, and advise what to fix."""

import typer

from labkit.cli import checks

_COLOURS = {"good": "green", "fair": "yellow", "bad": "bold red"}


def command() -> None:
    """Check versions, devices, threads, compiler, browser, data folder and port, and give advice for each."""
    rows = [row for check in _checks() for row in check()]
    _show(rows)
    if any(row.state == "bad" for row in rows):
        raise typer.Exit(1)


def _checks() -> list:
    return [checks.versions, checks.devices, checks.compiler, checks.browser, checks.data, checks.port]


def _show(rows: list[checks.Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="labkit doctor", title_justify="left")
    for heading in ("what", "found", "state", "advice"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(Text(row.what), Text(row.found), Text(row.state, _COLOURS[row.state]), Text(row.advice))
    Console().print(table)
