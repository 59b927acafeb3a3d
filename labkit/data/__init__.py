"""Data sets by name.

`load("mnist", "train")` returns images uint8 [N,C,H,W], and labels int64 [N] or `None`.
`SETS` is the registry: the sets, their terms and their sources. Files are searched for in the folder that LABKIT_DATA
names, then in the cache, which LABKIT_CACHE can move. `load` downloads nothing; `fetch(name)` and `labkit data fetch`
do. `here(split)` lists the sets that need no download.
`from_images` reads your own images from a folder or a file.
`table` returns a table of `TABLES` or breast_cancer, with its splits; `from_csv` reads your own.
`cluttered` and `two_digits` make harder images from those of MNIST.
"""

from labkit.data.clutter import cluttered, two_digits
from labkit.data.download import fetch
from labkit.data.files import AlteredError, here
from labkit.data.loading import load
from labkit.data.own import Images, from_images
from labkit.data.registry import SETS, TABLES, File, Set, Source
from labkit.data.spreadsheets import from_csv
from labkit.data.tables import Table, table

__all__ = [
    "SETS",
    "TABLES",
    "AlteredError",
    "File",
    "Images",
    "Set",
    "Source",
    "Table",
    "cluttered",
    "fetch",
    "from_csv",
    "from_images",
    "here",
    "load",
    "table",
    "two_digits",
]
