"""How a user's own entry gets a name in a registry, a dictionary from names to entries.

Kernels, bandwidth rules, optimisers, targets and estimators all use it, so they accept the same names.
"""

import difflib
import re
from collections.abc import Collection, Iterable

NAME = re.compile(r"[^\W\d][\w.-]*")  # a name must fit into an address, a list with commas, and "name=0.5@64"


def check(name: str, what: str, shipped: Collection[str]) -> None:
    """Raise an error for a name that a user's own entry may not have.

    Args:
        what: the kind of entry.
        shipped: the names that keep their meaning. A user's name may be used again.

    Raises:
        ValueError: the name belongs to labkit, or has other characters than letters, digits, "-", "_" and ".".
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(
            f"the name of the {what} must begin with a letter and have only letters, digits, '-', '_' and '.', "
            f"got {name!r}; for example 'mine'"
        )
    if name in shipped:
        raise ValueError(f"the {what} {name!r} belongs to labkit and keeps its meaning; choose another name")


def unknown(what: str, name: str, known: Iterable[str], instead: str) -> ValueError:
    """Return the error for a name that is not in a registry.

    Args:
        instead: what the caller accepts too.
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ValueError(f"{what} {name!r} is unknown; give one of {', '.join(known)}, or {instead}{hint}")
