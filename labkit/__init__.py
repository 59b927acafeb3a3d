"""Three methods of approximate inference to watch and to steer while they run.

labkit.svgd     particles that flow to a density (Liu & Wang 2016)
labkit.targets  densities to flow to
labkit.draw     a network that draws images stroke by stroke (Gregor et al. 2015)
labkit.dreg     gradients of importance weighted bounds, and how good they are (Tucker et al. 2019)
labkit.stream   a run is a stream of states
labkit.training the one training loop; `labkit.load_checkpoint` opens what came of it

`labkit serve` opens the dashboards, `labkit lab` the notebooks; both are made of `labkit.views`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.models import load_checkpoint

ROOMS = (
    "baselines", "data", "draw", "dreg", "engine", "models", "paint", "reproduce", "stream", "svgd", "targets",
    "training", "views",
)  # fmt: skip

__all__ = ["load_checkpoint", *ROOMS]


def __getattr__(name: str) -> Any:
    """Return a room, or `load_checkpoint`, imported when it is first used: `import labkit` stays light."""
    if name == "load_checkpoint":
        return importlib.import_module("labkit.models").load_checkpoint
    if name in ROOMS:
        return importlib.import_module(f"labkit.{name}")
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
