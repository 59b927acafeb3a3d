"""Data sets by name: `load("mnist", "train")` gives images uint8 [N,C,H,W] and labels int64 [N], or None for labels.

`SETS` is the registry: what there is, under which terms, from where. Files are looked for in the folder LABKIT_DATA
names, then in the cache (LABKIT_CACHE moves it); `load` downloads nothing, `fetch(name)` and `labkit data fetch` do;
`here(split)` names those that need neither.
`table` gives a table with its splits, of `TABLES` or breast_cancer; `from_csv` one of your own.
`cluttered` and `two_digits` make harder pictures of MNIST's as they are needed.
"""

from labkit.data.clutter import cluttered, two_digits
from labkit.data.download import fetch
from labkit.data.files import AlteredError, here
from labkit.data.loading import load
from labkit.data.registry import SETS, TABLES, File, Set, Source
from labkit.data.spreadsheets import from_csv
from labkit.data.tables import Table, table

__all__ = [
    "SETS",
    "TABLES",
    "AlteredError",
    "File",
    "Set",
    "Source",
    "Table",
    "cluttered",
    "fetch",
    "from_csv",
    "here",
    "load",
    "table",
    "two_digits",
]
