"""What a method supplies to be trained, and what a run tells of itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

NUMBERS = ("bound", "loss", "lx", "lz")  # of `Task.loss`

Data = tuple[Tensor, ...]  # tensors of one length: images uint8 (N, C, H, W), and labels where a method wants them


@runtime_checkable
class Task(Protocol):
    """A method's side of the training.

    Attributes:
        kind: the name under which `labkit.load_checkpoint` finds what builds the module again.
        module: the network; only the loop changes it.
        config: what builds it again, as JSON can hold it.
        facts: what a reader of its results must know (data set, binarisation), as strings.
    """

    kind: str
    module: nn.Module
    config: dict[str, Any]
    facts: dict[str, str]

    def batch(self, data: Data, index: Tensor, generator: torch.Generator) -> Any:
        """The rows `index` of the data as `loss` wants them; noise, as of a binarisation, from the generator."""

    def loss(self, module: nn.Module, batch: Any, generator: torch.Generator, beta: Tensor) -> dict[str, Tensor]:
        """Means over the batch, 0-d, in nats: "loss" (minimised, KL weighed by beta), "bound" (not), "lx", "lz"."""

    def evaluate(self, module: nn.Module, batches: Iterable[Any], generator: torch.Generator) -> dict[str, Any]:
        """Means over all batches: floats "bound", "lx", "lz", and "kl", a list of floats by glimpse."""

    def sheet(self, module: nn.Module, generator: torch.Generator) -> np.ndarray | None:
        """Samples as one picture, uint8 (H, W) or (H, W, 3)."""


@dataclass(frozen=True)
class Evaluation:
    """The averaged weights on the test images, in nats; `kl` by glimpse."""

    bound: float
    lx: float
    lz: float
    kl: tuple[float, ...]
    n: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Record:
    """A run after some steps: the means over those since the last record, in nats, and what was written.

    step of steps are done, in epoch 1 .. epochs. norm: of the gradient before clipping. skipped: steps so far that
    were left out because something in them was not finite. rate: steps a second. evaluation and sheet: at the end of
    an epoch. wrote: files that are new. warning: what the reader should look at.
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
