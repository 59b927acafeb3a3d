"""Finds the pages and notebooks of this installation, and names the folder of runs."""

from pathlib import Path

import labkit

RUNS = Path("runs")  # where training writes and pages look, unless another folder is named


def find(name: str, package: Path | None = None) -> Path:
    """Return the folder `dashboards` or `notebooks`: the packaged one, otherwise the one of the checkout.

    Args:
        package: the folder of the labkit package; by default the running one.

    Raises:
        FileNotFoundError: neither folder exists.
    """
    package = package or Path(labkit.__file__).parent
    for folder in (package / f"_{name}", package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"this labkit has no {name}; install it again, or run it from a checkout")
