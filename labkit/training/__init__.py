"""This is the training loop for any method that supplies a `Task`.

fit(task, settings, folder, train, test)  yields a `Record` every few steps; it resumes a stopped run in the folder
Settings                                  epochs, batch size, learning rate, number of processes, precision, ...
Task                                      what a method supplies
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.training.devices import is_first
    from labkit.training.folder import read_config
    from labkit.training.loop import fit
    from labkit.training.settings import Settings
    from labkit.training.task import Data, Evaluation, Record, Task

__all__ = ["Data", "Evaluation", "Record", "Settings", "Task", "fit", "is_first", "read_config"]

_MODULES = {"is_first": "devices", "read_config": "folder", "fit": "loop", "Settings": "settings"}


def __getattr__(name: str) -> Any:
    """Return what a module has, imported when it is first used: help texts need the settings without torch."""
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'task')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
