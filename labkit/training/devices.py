"""This module selects where a run computes: Lightning Fabric with one device or several processes."""

import os
import re
import time
from typing import TYPE_CHECKING, Any

import torch

from labkit.training.settings import PRECISIONS, Settings

if TYPE_CHECKING:
    from lightning_fabric import Fabric as Fabric
else:
    Fabric = Any  # importing Fabric takes two seconds

SETTLING = 0.2  # seconds; a thread needs a thousandth of this


def parse(words: str) -> tuple[str, int]:
    """Return the kind of device, "cpu" or "cuda", and the number of processes.

    The words are auto, cpu, cuda, 4, 2xcpu, 4xcuda and the like.

    Raises:
        ValueError: the words have another form, or the device does not exist.
    """
    match = re.fullmatch(r"(?:(\d+)x)?(auto|cpu|cuda)|(\d+)", words)
    if not match:
        hint = "; mps has no float64" if words.startswith("mps") else ""
        raise ValueError(f"devices must be auto, cpu, cuda, a number, 2xcpu or 4xcuda, got {words!r}{hint}")
    count, kind = int(match[1] or match[3] or 1), match[2] or "auto"
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        kind = "cuda" if found else "cpu"
    if count < 1 or (kind == "cuda" and count > found):
        raise ValueError(f"devices {words}: torch finds {found} CUDA devices; use --devices cpu, or fewer devices")
    return kind, count


def launch(settings: Settings) -> Fabric:
    """Return the Fabric for the device or the processes of these settings.

    With several processes, the first starts the others by running the same command again, unless torchrun started all.

    Raises:
        ValueError: a device does not exist.
    """
    import lightning_fabric

    kind, count = parse(settings.devices)
    fabric = lightning_fabric.Fabric(
        accelerator=kind,
        devices=count,
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", 1)),  # torchrun counts machines under this name
        strategy="auto" if count == 1 else "ddp",
        precision=PRECISIONS[settings.precision],
    )
    fabric.launch()
    return fabric


def settle() -> None:
    """Wait until gloo's threads have finished, before the group of processes is destroyed.

    A thread that releases a gathered tensor needs Python's lock. But destroying the group holds that lock and waits
    for the thread. Without this pause, in every third run of two processes the second one hung.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        time.sleep(SETTLING)  # sleeping releases the lock


def leave() -> None:
    """Leave the group of processes at the end of a run, which all of them reach."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def is_first() -> bool:
    """Return whether this process prints and writes; this is true before the others start."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"
