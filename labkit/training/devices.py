"""Where a run computes: Lightning Fabric over one device or several processes."""

import os
import re
import time
from typing import TYPE_CHECKING, Any

import torch

from labkit.training.settings import PRECISIONS, Settings

if TYPE_CHECKING:
    from lightning_fabric import Fabric as Fabric
else:
    Fabric = Any  # two seconds' import

SETTLING = 0.2  # seconds; a thread needs a thousandth of it


def parse(words: str) -> tuple[str, int]:
    """The kind of device, "cpu" or "cuda", and how many processes: of auto, cpu, cuda, 4, 2xcpu, 4xcuda.

    Raises:
        ValueError: none of these, or a device that is not there.
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
        raise ValueError(f"devices {words}: torch finds {found} CUDA devices; take --devices cpu or fewer")
    return kind, count


def launch(settings: Settings) -> Fabric:
    """The device, or the processes, of these settings.

    Several processes: the first starts the others by running this very command again, or torchrun started them all.

    Raises:
        ValueError: a device that is not there.
    """
    import lightning_fabric

    kind, count = parse(settings.devices)
    fabric = lightning_fabric.Fabric(
        accelerator=kind,
        devices=count,
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", 1)),  # torchrun's word for machines
        strategy="auto" if count == 1 else "ddp",
        precision=PRECISIONS[settings.precision],
    )
    fabric.launch()
    return fabric


def settle() -> None:
    """Let gloo's threads end what they still hold, before the group of processes is given up.

    One that lets go of a gathered tensor asks for Python's lock, while the group's end, which holds that lock, waits
    for the thread: without this pause every third run of two processes left the second one behind for ever.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        time.sleep(SETTLING)  # which gives the lock away


def leave() -> None:
    """Part from the other processes, at the end of a run that all of them reach."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def is_first() -> bool:
    """Whether this process is the one that speaks and writes; true before the others are started."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"
