"""Returns unused memory to the operating system.

glibc keeps freed memory for later use. A run creates large temporary tensors and small states in turn. The kept states
then lie between the freed temporaries, whose memory cannot be used again. Four runs of 2,000 particles took 600 MB more
in a minute of play. Other C libraries stay unchanged.
"""

import ctypes
import sys
from typing import Any

from tornado.ioloop import IOLoop

LARGE = 4 << 20  # bytes: a block of this size has its own memory pages, which are returned as soon as it is freed
SPARE = 32 << 20  # bytes that may stay free at the end of a heap, so that small temporaries need no new memory pages
PAUSE = 7.0  # seconds after the end of a session: Panel collects garbage 5 seconds after it
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # options of mallopt, from malloc.h

_due: list[bool] = []  # one entry while a `trim` is scheduled: whether another session has ended since


def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process if it is glibc."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def bound() -> None:
    """From now on, keep large blocks out of the heaps."""
    library = _glibc()
    if library:
        library.mallopt(_MMAP_THRESHOLD, LARGE)
        library.mallopt(_TRIM_THRESHOLD, SPARE)


def trim() -> None:
    """Return every free memory page of the heaps."""
    library = _glibc()
    if library:
        library.malloc_trim(ctypes.c_size_t(0))


def trim_soon(_context: Any) -> None:
    """Call `trim` after `PAUSE` seconds, and again if more sessions end until then."""
    if _due:
        _due[0] = True
        return
    _due.append(False)
    IOLoop.current().call_later(PAUSE, _trim)


async def _trim() -> None:
    again = _due.pop()
    if again:
        trim_soon(None)
    await IOLoop.current().run_in_executor(None, trim)  # in a thread, so no page waits for it
