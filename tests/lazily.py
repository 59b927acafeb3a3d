"""The type checker of the tests: beartype, which writes the check of a function when the function is first checked.

Most processes check few of labkit's functions, and to write the checks of all takes four seconds in each process.
"""

from collections.abc import Callable
from typing import Any

import beartype


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls another one and checks its types."""
    written: list[Callable[..., Any]] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        if not written:
            written.append(beartype.beartype(function))
        return written[0](*args, **kwargs)

    return call
