"""The output of a command, on terminals that cannot show every character and on disks that are full."""

import os
import sys


def tolerate() -> None:
    """Show a question mark for each character that the terminal's encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def settle() -> int:
    """Write the rest of the output buffer; return 0, or 2 if that fails.

    After an error the rest is discarded. Otherwise Python would try to write it again at its exit, and fail with a
    traceback.
    """
    try:
        sys.stdout.flush()
    except AttributeError:  # there is no output: pythonw
        return 0
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return 2
    return 0
