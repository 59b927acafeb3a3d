"""Old names of moved functions and classes still work, with a warning that gives the new name."""

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def moved(module_name: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` for a module: an old name returns the object with the new name, and warns.

        __getattr__ = moved(__name__, {"Old": "labkit.new.path:New"})

    Args:
        module_name: the module's `__name__`.
        names: old name -> "module:name". The module there is imported when the old name is used.
    """

    def getattr_(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        module, _, new = names[name].partition(":")
        text = f"{module_name}.{name} is now {module}.{new}; the old name will be removed"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module(module), new)

    return getattr_
