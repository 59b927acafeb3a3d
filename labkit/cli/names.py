"""Names of registries in help texts: before a help text is shown, they replace words such as `{kernels}`.

To import a registry takes two seconds, because it imports torch. Its names are therefore read from the text of its
module, where they are the keys of a dictionary.
"""

import ast
import re
import sys
from pathlib import Path

import labkit

# word of a help text -> the registries whose names replace it, each as its module and its name there
REGISTRIES = {
    "targets": [("labkit.targets.registry", "TARGETS")],
    "starts": [("labkit.experiments.svgd.particles", "STARTS")],
    "kernels": [("labkit.svgd.registry", "KERNELS"), ("labkit.experiments.svgd.particles", "OF_TARGET")],
    "rules": [("labkit.svgd.bandwidths", "RULES")],
    "optimizers": [("labkit.svgd.optimizers", "OPTIMIZERS")],
    "tempers": [("labkit.experiments.svgd.particles", "TEMPERS")],
    "estimators": [("labkit.dreg.estimators", "ESTIMATORS")],
    "binarisations": [("labkit.data.binarisation", "BINARISATIONS")],
    "draw_presets": [("labkit.draw.config", "PRESETS")],
    "vae_presets": [("labkit.dreg.networks", "PRESETS")],
}


def filled(text: str) -> str:
    """Return a help text in which the names of registries replace each word in braces, as "a, b or c"."""
    return re.sub(r"{(\w+)}", lambda found: _listed(_names(found[1])), text)


def _listed(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _names(word: str) -> list[str]:
    """The names for a word. A registry that is imported already may have more of them than its module's text."""
    return [
        name
        for module, registry in REGISTRIES[word]
        for name in (getattr(sys.modules[module], registry) if module in sys.modules else written(module, registry))
    ]


def written(module: str, registry: str) -> list[str]:
    """Return the names of a registry from the text of its module: keys of a dictionary, or parts of a tuple.

    Raises:
        LookupError: the text has no such dictionary or tuple.
    """
    path = Path(labkit.__file__).parent.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=parts) | ast.Tuple(elts=parts))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=parts) | ast.Tuple(elts=parts))
            ) if name == registry:
                return [ast.literal_eval(part) for part in parts]
    raise LookupError(f"{path} must give {registry} a dictionary or a tuple of names")
