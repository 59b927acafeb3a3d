"""The device that a command line asks for, as torch names it."""

import re


def choose(name: str) -> str:
    """Answer "cpu", "cuda" or "cuda:1" for auto, cpu, cuda or cuda:1; auto is the GPU where there is one.

    Raises:
        ValueError: the device is not there, or has no float64.
    """
    if name == "cpu":
        return name
    if name.startswith("mps"):
        raise ValueError("device mps has no float64, which labkit computes in; take --device cpu")
    if name != "auto" and not re.fullmatch(r"cuda(:\d+)?", name):
        raise ValueError(f"device must be auto, cpu, cuda or cuda:1, got {name!r}")
    import torch  # not before it is needed: the import is a second's work

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda" if found else "cpu"
    if int(name.partition(":")[2] or 0) >= found:
        raise ValueError(f"device {name} asked for, but torch {torch.__version__} finds {found}; take --device cpu")
    return name
