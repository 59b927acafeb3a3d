"""The most particles, images and samples that visitors of this server may choose."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypeVar

import param

from labkit.experiments.settings import ExperimentSettings, Linkable
from labkit.serving import settings

OF = {"Particles, n": "particles", "Images, n": "images", "Samples, K": "samples"}  # label -> field of `Limits`

S = TypeVar("S", bound=ExperimentSettings)


def hold(owners: Iterable[Linkable]) -> None:
    """Limit the numbers of these settings by the options of the server."""
    for owner in owners:
        for name in owner.param:
            field = OF.get(owner.param[name].label or "")
            if field and isinstance(owner.param[name], param.Integer):
                owner.limit(name, getattr(settings.limits, field), f"--max-{field}")


def held(make: Callable[[], S]) -> Callable[[], S]:
    """Return a function that makes the same settings, limited by `hold`."""

    @wraps(make)
    def limited() -> S:
        made = make()
        hold(made.owners)
        return made

    return limited
