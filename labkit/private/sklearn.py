"""What labkit uses of scikit-learn that scikit-learn does not promise to keep."""

import importlib.util
from pathlib import Path

import numpy as np

MEASURED = (
    "radius", "texture", "perimeter", "area", "smoothness",
    "compactness", "concavity", "concave points", "symmetry", "fractal dimension",
)  # fmt: skip


def digits() -> np.ndarray:
    """Return the digits of scikit-learn, [1797, 65]: the 64 pixels of an image, 0 to 16, and its class.

    The public `load_digits` imports all of scikit-learn and scipy.stats, a second, to read this file.
    """
    file = _file("digits.csv.gz")
    return _public("digits").astype(np.uint8) if file is None else np.loadtxt(file, dtype=np.uint8, delimiter=",")


def breast_cancer() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the breast cancer table of scikit-learn: features [569, 30], labels [569] and the names of the features.

    The label is 0 for malignant and 1 for benign. The public `load_breast_cancer` takes a second to import.
    """
    file = _file("breast_cancer.csv")
    table = _public("breast_cancer") if file is None else np.loadtxt(file, delimiter=",", skiprows=1)
    shapes = ("mean {}", "{} error", "worst {}")
    x, y = np.ascontiguousarray(table[:, :-1]), np.ascontiguousarray(table[:, -1])
    return x, y, tuple(shape.format(name) for shape in shapes for name in MEASURED)


def _file(name: str) -> Path | None:
    """Return a file with data in the folder of scikit-learn, without an import of it, or None."""
    spec = importlib.util.find_spec("sklearn")
    folders = (spec and spec.submodule_search_locations) or ()
    files = (Path(folder) / "datasets" / "data" / name for folder in folders)
    return next((file for file in files if file.is_file()), None)


def _public(name: str) -> np.ndarray:
    """Return the columns of a table and its targets. An error of the import names the missing package."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    return np.column_stack([found.data, found.target])
