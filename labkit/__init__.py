"""Three methods of approximate inference to watch and to steer while they run.

labkit.svgd     particles that flow to a density (Liu & Wang 2016)
labkit.targets  densities to flow to
labkit.dreg     gradients of importance weighted bounds, and how good they are (Tucker et al. 2019)
labkit.stream   a run is a stream of states
labkit.training the one training loop; `labkit.load_checkpoint` opens what came of it

`labkit serve` opens the dashboards, `labkit lab` the notebooks; both are made of `labkit.views`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.models import load_checkpoint

__all__ = ["load_checkpoint"]


def __getattr__(name: str) -> Any:
    """`labkit.load_checkpoint`, found when it is asked for: `import labkit` stays light."""
    if name == "load_checkpoint":
        from labkit.models import load_checkpoint

        return load_checkpoint
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")
