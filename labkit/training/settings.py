"""How a run is trained: everything that decides its numbers, but for the module and the data."""

import math
from dataclasses import dataclass
from typing import Literal

# ours -> Fabric's; its own float64 rounds every loss to float32, so that `Step` makes the module float64 instead
PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"32": "32-true", "64": "32-true", "bf16": "bf16-mixed"}
MOST = 999_999_999  # steps of a run, whose checkpoints are numbered in nine digits
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Settings:
    """A run's settings.

    Args:
        epochs: passes over the training images.
        steps: optimiser steps, in place of `epochs`.
        batch_size: images a step, shared among the processes.
        lr, beta1, beta2: Adam's.
        clip: the largest global norm of the gradient; 0 never clips.
        clip_each: the largest norm of each variable's gradient by itself, in place of `clip`; 0 leaves it to `clip`.
        schedule: "cosine" falls from lr to 0 over the run, "constant" stays.
        warmup: steps over which the weight of the KL in the loss rises from 0 to 1; the bound never has it.
        ema: the decay of the averaged weights, which are those evaluated and exported; 0 takes the last ones.
        seed: of the order of the images and of all noise.
        precision: "32", "64" or "bf16" (mixed).
        devices: "auto", "cpu" or "cuda"; several processes are "2xcpu", "4xcuda", or their number alone, "4".
        log_every: steps that one record, and one row of metrics.csv, is the mean of.
        eval_every: epochs from one test bound to the next; 0 only at the end.
        checkpoint_seconds: seconds from one checkpoint to the next; they change no number of the run.
        graph: on one CUDA device, take the whole step as one CUDA graph.
        tensorboard: write TensorBoard's files too.

    Raises:
        ValueError: a number out of its range, or an unknown name.
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
        _whole("seed", self.seed, 0, 2**63 - 1)
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be > 0 and finite, got {self.lr}")
        for name in ("beta1", "beta2", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("clip", "clip_each", "checkpoint_seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}")
        for name, known in {"precision": tuple(PRECISIONS), "schedule": SCHEDULES}.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")


def _whole(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
    if value > most:
        raise ValueError(f"{name} must be at most {most:,}, got {value:.3g}")
