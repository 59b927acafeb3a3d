"""The settings of training determine all its numbers, together with the module and the data."""

import math
from dataclasses import dataclass
from typing import Literal

# our names -> Fabric's; Fabric's float64 rounds every loss to float32, so `Step` makes the module float64 instead
PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"32": "32-true", "64": "32-true", "bf16": "bf16-mixed"}
MOST = 999_999_999  # largest number of steps, because checkpoints are numbered with nine digits
LARGEST_SEED = 2**63 - 1  # the limit of torch
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Settings:
    """The settings of a training run.

    Args:
        epochs: passes over the training images.
        steps: optimiser steps, instead of `epochs`.
        batch_size: images per step; if several processes train together, they share them.
        lr: the learning rate, the step size of Adam, the method that changes the weights along the gradient.
        beta1: the decay of Adam's running mean of gradients; nearer to 1, it remembers more steps.
        beta2: the decay of Adam's running mean of squared gradients, which scale its steps.
        clip: a gradient longer than this (all weights together) is shortened to this length; 0 never shortens it.
        clip_each: the same for each weight matrix or vector alone, instead of `clip`; 0 uses `clip`.
        schedule: "cosine" falls from lr to 0 over the run, "constant" does not change.
        warmup: steps over which β, the factor of the KL in the loss, rises from 0 to 1; in the bound it is always 1.
        ema: the decay of the averaged weights, which are evaluated and exported; 0 uses the last weights.
        seed: seed of the order of the images and of all random numbers.
        precision: bits of each number, "32" or "64"; "bf16" computes the large products with 16 bits.
        devices: "auto", "cpu" or "cuda"; several processes are "2xcpu", "4xcuda", or only their number, "4".
        log_every: steps from one point of the curves (and row of metrics.csv) to the next; each is a mean over them.
        eval_every: epochs between test bounds; 0 tests only at the end.
        checkpoint_seconds: seconds between checkpoints; a stopped run continues from the last, as if never stopped.
        graph: whether a single GPU gets all operations of a step at once (a CUDA graph), which is faster.
        tensorboard: also write TensorBoard's files.

    Raises:
        ValueError: a number is out of its range, or a name is unknown.
    """

    epochs: int = 10
    steps: int | None = None
    batch_size: int = 100
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    clip: float = 10.0
    clip_each: float = 0.0
    schedule: str = "cosine"
    warmup: int = 0
    ema: float = 0.999
    seed: int = 0
    precision: str = "32"
    devices: str = "auto"
    log_every: int = 10
    eval_every: int = 1
    checkpoint_seconds: float = 60.0
    graph: bool = True
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "log_every"):
            _whole(name, getattr(self, name), 1, MOST)
        for name in ("warmup", "eval_every"):
            _whole(name, getattr(self, name), 0, MOST)
        if self.steps is not None:
            _whole("steps", self.steps, 1, MOST)
        _whole("seed", self.seed, 0, LARGEST_SEED)
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be > 0 and finite, got {self.lr}; 0.001 is common")
        for name in ("beta1", "beta2", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}; change it")
        for name in ("clip", "clip_each", "checkpoint_seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}; change it")
        for name, known in {"precision": tuple(PRECISIONS), "schedule": SCHEDULES}.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")


def _whole(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}; change it")
    if value > most:
        raise ValueError(f"{name} must be at most {most:,}, got {value:.3g}; choose a smaller one")
