"""labkit runs three methods of approximate inference that you can watch and steer.

    labkit.svgd      moves particles to a target density (Liu & Wang 2016)
    labkit.targets   holds target densities
    labkit.draw      trains a network that paints images step by step (Gregor et al. 2015)
    labkit.dreg      estimates gradients of importance weighted bounds (Tucker et al. 2019)
    labkit.stream    makes a run a stream of states
    labkit.training  holds the training loop; `labkit.load_checkpoint` loads a trained model

`labkit serve` opens the dashboards and `labkit lab` the notebooks. Both use `labkit.views`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.models import load_checkpoint

ROOMS = (
    "baselines", "data", "draw", "dreg", "engine", "lessons", "models", "paint", "recordings", "reproduce", "stream",
    "svgd", "targets", "training", "views",
)  # fmt: skip

__all__ = ["load_checkpoint", *ROOMS]


def __getattr__(name: str) -> Any:
    """Return `load_checkpoint` or a part of labkit such as `svgd`, and import it only at its first use.

    This keeps `import labkit` light.
    """
    if name == "load_checkpoint":
        return importlib.import_module("labkit.models").load_checkpoint
    if name in ROOMS:
        return importlib.import_module(f"labkit.{name}")
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
