"""Finds the device that the command line names."""

import re


def choose(name: str) -> str:
    """Return "cpu", "cuda" or "cuda:1" for auto, cpu, cuda or cuda:1. If there is a GPU, auto means the GPU.

    Raises:
        ValueError: the device does not exist, or has no float64.
    """
    if name == "cpu":
        return name
    if name.startswith("mps"):
        raise ValueError("device mps has no float64, which labkit computes in; take --device cpu")
    if name != "auto" and not re.fullmatch(r"cuda(:\d+)?", name):
        raise ValueError(f"device must be auto, cpu, cuda or cuda:1, got {name!r}")
    import torch  # only here, because the import takes a second

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda" if found else "cpu"
    if int(name.partition(":")[2] or 0) >= found:
        raise ValueError(f"device {name} does not exist, torch {torch.__version__} finds {found}; take --device cpu")
    return name
