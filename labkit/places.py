"""Where the pages and notebooks of this installation stand."""

from pathlib import Path

import labkit


def find(name: str, package: Path | None = None) -> Path:
    """The folder `dashboards` or `notebooks`: the packaged one, else that of the checkout.

    Args:
        package: the folder of the labkit package, if not the one that runs.

    Raises:
        FileNotFoundError: there is neither.
    """
    package = package or Path(labkit.__file__).parent
    for folder in (package / f"_{name}", package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"this labkit carries no {name}: install it again, or run it from a checkout")
