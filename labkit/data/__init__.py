"""Data sets by name: `load("mnist", "train")` gives images uint8 [N,C,H,W] and labels int64 [N], or None for labels.

`SETS` is the registry: what there is, under which terms, from where. Files are looked for in the folder LABKIT_DATA
names, then in the cache (LABKIT_CACHE moves it); `load` downloads nothing, `fetch(name)` and `labkit data fetch` do;
`here(split)` names those that need neither.
`cluttered` and `two_digits` make harder pictures of MNIST's as they are needed.
"""

from labkit.data.clutter import cluttered, two_digits
from labkit.data.download import fetch
from labkit.data.files import AlteredError, here
from labkit.data.loading import load
from labkit.data.registry import SETS, File, Set, Source

__all__ = ["SETS", "AlteredError", "File", "Set", "Source", "cluttered", "fetch", "here", "load", "two_digits"]
