"""Imports jsonschema, on which nbformat depends, without its check of international addresses (IRIs).

For that check rfc3987_syntax compiles a grammar when it is imported, which takes two seconds. Notebooks need no such
check. Import this module before nbformat; pytest does so before the plugin that runs notebooks (`-p`).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SLOW = "rfc3987_syntax"


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Make a package look as if it were not installed, unless it is already imported."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment] # Python's own way: an import of it raises ImportError
    try:
        yield
    finally:
        del sys.modules[name]


with _without(SLOW):
    import jsonschema  # noqa: F401
