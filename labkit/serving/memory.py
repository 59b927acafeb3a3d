"""Memory that is no longer needed goes back to the operating system.

glibc keeps what a process frees, for its next use. A run makes large temporaries and small states in turn, and the
states that it keeps come to lie between the freed temporaries, which then cannot be used again: four runs of 2,000
particles took 600 MB more in a minute of play. Other C libraries are left as they are.
"""

import ctypes
import sys
from typing import Any

from tornado.ioloop import IOLoop

LARGE = 4 << 20  # bytes: a block of this size has pages of its own, and gives them back at once when it is freed
SPARE = 32 << 20  # bytes that may stay free at the end of a heap, so that small temporaries need no new pages
PAUSE = 7.0  # seconds after a session has ended: Panel collects garbage 5 seconds after it
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, from malloc.h

_due: list[bool] = []  # one entry while a `trim` is due: whether a session has ended since that was decided


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process if it is glibc."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def bound() -> None:
    """Keep large blocks out of the heaps from now on."""
    library = _glibc()
    if library:
        library.mallopt(_MMAP_THRESHOLD, LARGE)
        library.mallopt(_TRIM_THRESHOLD, SPARE)


def trim() -> None:
    """Give back every free page of the heaps."""
    library = _glibc()
    if library:
        library.malloc_trim(ctypes.c_size_t(0))


def trim_soon(_context: Any) -> None:
    """`trim` after `PAUSE` seconds, and once more where sessions end until then: visitors may come and go all day."""
    if _due:
        _due[0] = True
        return
    _due.append(False)
    IOLoop.current().call_later(PAUSE, _trim)


async def _trim() -> None:
    again = _due.pop()
    if again:
        trim_soon(None)
    await IOLoop.current().run_in_executor(None, trim)  # a thread: no page waits for it
