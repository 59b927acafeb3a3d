"""What labkit uses of scikit-learn that scikit-learn does not promise to keep."""

import importlib.util
from pathlib import Path

import numpy as np


def digits() -> np.ndarray:
    """Return the digits of scikit-learn, [1797, 65]: the 64 pixels of an image, 0 to 16, and its class.

    The public `load_digits` imports all of scikit-learn and scipy.stats, a second, to read this file.
    """
    spec = importlib.util.find_spec("sklearn")
    for folder in spec.submodule_search_locations or () if spec else ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            return np.loadtxt(file, dtype=np.uint8, delimiter=",")
    return _public()


def _public() -> np.ndarray:
    """Return the same numbers without the file. An error of the import names the missing package."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.column_stack([found.data, found.target]).astype(np.uint8)
