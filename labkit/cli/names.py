"""Names in help texts that come from registries: `{kernels}` stands in a text until a command's help is shown.

Registries import torch. `labkit --help` shows none of these texts and stays quick.
"""

import re
from collections.abc import Callable


def filled(text: str) -> str:
    """Return a help text with the names of a registry for each word in braces, as "a, b or c"."""
    return re.sub(r"{(\w+)}", lambda found: _listed(REGISTRIES[found[1]]()), text)


def _listed(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _choices(setting: str) -> Callable[[], list[str]]:
    """Of a setting of a run of SVGD."""

    def read() -> list[str]:
        from labkit.experiments.svgd.particles import FIXED, ParticlesSettings

        return [name for name in ParticlesSettings.param[setting].objects if name != FIXED]

    return read


def _estimators() -> list[str]:
    from labkit.dreg import ESTIMATORS

    return list(ESTIMATORS)


REGISTRIES: dict[str, Callable[[], list[str]]] = {
    "targets": _choices("target"),
    "starts": _choices("begin"),
    "kernels": _choices("kernel"),
    "rules": _choices("bandwidth"),
    "optimizers": _choices("optimizer"),
    "tempers": _choices("temper"),
    "estimators": _estimators,
}
