"""What the names in the configuration of a run mean, from the docstrings of the settings."""

import inspect
import re
from functools import lru_cache

from labkit.models import config_class
from labkit.training.settings import Settings

FACTS = {
    "data": "the images for training and for the test.",
    "binarisation": "how grey images become black and white. Stochastic: each pixel is sampled again at each use, with "
    "its grey as probability. Fixed: sampled once. Grey: they stay grey.",
}
ARGUMENT = re.compile(r"^    ((?:\w+, )*\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)


@lru_cache(maxsize=8)
def meanings(kind: str) -> dict[str, dict[str, str]]:
    """Return for each part of a configuration what its names mean.

    Args:
        kind: "draw" or "vae"; the network of another kind has no meanings.
    """
    network = config_class(kind)
    return {"facts": FACTS, "config": described(network) if network else {}, "settings": described(Settings)}


def described(kind: type) -> dict[str, str]:
    """Return the descriptions of the arguments in a class's docstring, by name."""
    _, _, arguments = (inspect.getdoc(kind) or "").partition("Args:\n")
    arguments = re.split(r"\n(?=\S)", arguments)[0]
    return {
        name: " ".join(words.replace("`", "").split())
        for names, words in ARGUMENT.findall(arguments)
        for name in names.split(", ")
    }
