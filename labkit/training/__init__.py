"""This is the training loop for any method that supplies a `Task`.

fit(task, settings, folder, train, test)  yields a `Record` every few steps; it resumes a stopped run in the folder
Settings                                  epochs, batch size, learning rate, number of processes, precision, ...
Task                                      what a method supplies
"""

from labkit.training.devices import is_first
from labkit.training.folder import read_config
from labkit.training.loop import fit
from labkit.training.settings import Settings
from labkit.training.task import Data, Evaluation, Record, Task

__all__ = ["Data", "Evaluation", "Record", "Settings", "Task", "fit", "is_first", "read_config"]
