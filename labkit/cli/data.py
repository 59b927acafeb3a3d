"""`labkit data`: a list of the data sets, and their download."""

from typing import TYPE_CHECKING, Annotated

import typer

from labkit.cli.errors import fail, unknown

if TYPE_CHECKING:
    from rich.progress import Progress

_ACTIONS = ("list", "fetch")


def command(
    action: Annotated[
        str, typer.Argument(help="list shows the data sets and where they are; fetch downloads them.")
    ] = "list",
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Data sets, for example mnist.")] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="fetch: accept a file whose checksum has not been confirmed.")
    ] = False,
) -> None:
    """List the data sets, or download some of them.

    An interrupted download continues, and every file is checked. The folder LABKIT_DATA is searched first.
    """
    if action not in _ACTIONS:
        unknown("action", action, _ACTIONS)
    from labkit.data import SETS, TABLES

    every = SETS | TABLES
    for name in names or []:
        if name not in every:
            unknown("data set", name, every)
    if action == "list":
        _list(names or list(every))
    elif not names:
        fail("labkit data fetch needs a name, for example mnist; labkit data list shows all names")
    else:
        _fetch(list(dict.fromkeys(names)), accept)


def _list(names: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from labkit.data import SETS, files, registry

    table = Table("name", "content and terms", "size", "where", title="labkit data", title_justify="left", leading=1)
    for name in names:
        known = registry.find(name)
        if name in SETS:
            splits = [f"{count:,} {split}" for split, count in known.splits.items()]
            size = "\n".join(["x".join(map(str, known.shape)), *splits, _size(name)])
            what = Text.assemble(f"{known.title}, {known.binarisation}\n", (known.terms, "dim"))
        else:
            size = f"{known.rows:,} rows\n{known.features} features\n{_size(name)}"
            what = Text.assemble(f"{known.title}, a table\n", (known.terms, "dim"))
        table.add_row(Text(name, no_wrap=True), what, Text(size, no_wrap=True), files.where(name))
    console = Console()
    console.print(table)
    for place, folder in files.folders(""):
        console.print(f"{place}: {folder}", soft_wrap=True, highlight=False, markup=False)


def _size(name: str) -> str:
    from labkit.data import registry

    splits = registry.find(name).sources[0].files.values()
    each = [file.size for file in dict.fromkeys(file for split in splits for file in split)]
    if not each:
        return "no download"
    return f"{sum(each) / 1e6:,.3g} MB" if all(each) else "unknown size"


def _fetch(names: list[str], accept: bool) -> None:
    from rich.console import Console
    from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    from labkit.cli.console import progress
    from labkit.data import fetch

    console = Console(soft_wrap=True, highlight=False, markup=False)
    for name in names:
        try:
            with progress(DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()) as bars:
                paths = fetch(name, accept=accept, progress=lambda file, bars=bars: _Bar(bars, file))
        except (ValueError, OSError) as error:
            fail(error)
        for path in paths:
            console.print(f"{name}: {path}")
        if not paths:
            console.print(f"{name}: nothing to download: it comes with scikit-learn")


class _Bar:
    """A progress bar of Rich with the methods that pooch calls."""

    def __init__(self, bars: "Progress", file: str) -> None:
        self._bars, self._task, self._total = bars, bars.add_task(file, total=None), 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, count: int) -> None:
        self._total = count
        self._bars.update(self._task, total=count or None)  # 0 if the server does not send it

    def update(self, count: int) -> None:
        self._bars.advance(self._task, count)

    def reset(self) -> None:
        self._bars.reset(self._task)

    def close(self) -> None:
        self._bars.stop_task(self._task)
