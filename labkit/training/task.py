"""A method supplies a `Task` to be trained; a run reports `Record`s."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

NUMBERS = ("bound", "loss", "lx", "lz")  # the keys of `Task.loss`

Data = tuple[Tensor, ...]  # tensors of one length: images uint8 (N, C, H, W), and labels if a method needs them


@runtime_checkable
class Task(Protocol):
    """What a method supplies for training.

    Attributes:
        kind: the name by which `labkit.load_checkpoint` finds the function that rebuilds the module.
        module: the network; only the loop changes it.
        config: the arguments that rebuild it, as JSON values.
        facts: what a reader of its results must know (data set, binarisation), as strings.
    """

    kind: str
    module: nn.Module
    config: dict[str, Any]
    facts: dict[str, str]

    def batch(self, data: Data, index: Tensor, generator: torch.Generator) -> Any:
        """Return the rows `index` of the data as `loss` needs them; noise comes from the generator."""

    def loss(self, module: nn.Module, batch: Any, generator: torch.Generator, beta: Tensor) -> dict[str, Tensor]:
        """Return means over the batch, 0-d, in nats: "loss", "bound", "lx" and "lz".

        Training minimises "loss", which has beta times the KL.
        """

    def evaluate(self, module: nn.Module, batches: Iterable[Any], generator: torch.Generator) -> dict[str, Any]:
        """Return means over all batches: floats "bound", "lx", "lz", and "kl", a list of floats, one per glimpse."""

    def sheet(self, module: nn.Module, generator: torch.Generator) -> np.ndarray | None:
        """Return samples as one picture, uint8 (H, W) or (H, W, 3), or None."""


@dataclass(frozen=True)
class Evaluation:
    """The results of the averaged weights on the test images, in nats; `kl` has one entry per glimpse."""

    bound: float
    lx: float
    lz: float
    kl: tuple[float, ...]
    n: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Record:
    """A run after some steps: means over the steps since the last record, in nats, and the files written.

    step, steps: the steps done and their total.
    epoch, epochs: the current epoch, from 1, and their total.
    norm: of the gradient before clipping.
    skipped: steps so far that were skipped because a number was not finite.
    rate: steps per second.
    evaluation, sheet: at the end of an epoch, else None.
    wrote: the new files.
    warning: a problem that the reader should look at, or "".
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    bound: float
    loss: float
    lx: float
    lz: float
    norm: float
    lr: float
    beta: float
    skipped: int
    rate: float
    seconds: float
    evaluation: Evaluation | None = None
    sheet: np.ndarray | None = None
    wrote: tuple[Path, ...] = ()
    warning: str = ""
