"""The arrays of a .npz or .npy file. Their shapes and types are checked before their numbers are read."""

import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

BYTES = 4_000_000_000  # of all arrays of a file
SMALLEST = 4  # pixels along an axis
# names of arrays with images and of arrays with labels, for each split; "" is a file without splits
IMAGES: dict[str, tuple[str, ...]] = {
    "": ("images", "x", "X", "data", "arr_0"),
    "train": ("train_images", "x_train", "X_train", "images_train", "train"),
    "valid": ("valid_images", "val_images", "x_valid", "x_val", "images_valid", "valid", "val"),
    "test": ("test_images", "x_test", "X_test", "images_test", "test"),
}
LABELS: dict[str, tuple[str, ...]] = {
    "": ("labels", "y", "Y", "targets", "label"),
    "train": ("train_labels", "y_train", "labels_train"),
    "valid": ("valid_labels", "val_labels", "y_valid", "y_val", "labels_valid"),
    "test": ("test_labels", "y_test", "labels_test"),
}

T = TypeVar("T")


class Header(NamedTuple):
    """What is known of an array before its numbers are read."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __str__(self) -> str:
        return f"{list(self.shape)} {self.dtype}"


class Part(NamedTuple):
    """The images of a split, uint8 [n, c, h, w], and the label of each, as text, or None."""

    images: np.ndarray
    labels: list[str] | None


def read(path: Path) -> tuple[dict[str, Part], list[str]]:
    """Return the parts of a file by split, "" for a file without splits, and lines that report what was found.

    Raises:
        ValueError: the file is damaged or too large, has no images, or their shape or type is wrong.
    """
    headers = _tried(path, lambda: _headers(path))
    _check(path, headers)
    names = _chosen(path, headers)
    wanted = [name for pair in names.values() for name in pair if name]
    content = _tried(path, lambda: _content(path, wanted))
    lines = ["arrays: " + ", ".join(f"{name} {headers[name]}" for name in wanted)]
    if left := [name for name in headers if name not in wanted]:
        lines.append(f"other arrays, left out: {', '.join(left)}")
    return {split: _part(path, *names[split], content, lines) for split in names}, lines


def _tried(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (OSError, EOFError, ValueError, RuntimeError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}); save it again with numpy.savez") from None


def _headers(path: Path) -> dict[str, Header]:
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            return {"images": _header(file)}
    with zipfile.ZipFile(path) as archive:
        found = {}
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as file:
                    found[info.filename.removesuffix(".npy")] = _header(file)
        return found


def _header(file: Any) -> Header:
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    return Header(shape, dtype)


def _check(path: Path, headers: Mapping[str, Header]) -> None:
    for name, (_, dtype) in headers.items():
        if dtype.hasobject:
            raise ValueError(f"array {name} of {path} has Python objects, which are not read; save numbers")
    size = sum(int(np.prod(shape, dtype=object)) * dtype.itemsize for shape, dtype in headers.values())
    if size > BYTES:
        raise ValueError(f"the arrays of {path} have {size / 1e9:,.1f} GB, at most {BYTES / 1e9:g} are read; split it")


def _chosen(path: Path, headers: Mapping[str, Header]) -> dict[str, tuple[str, str | None]]:
    """Return for each split the name of its images and of its labels."""
    found = {split: _first(names, headers) for split, names in IMAGES.items()}
    plain, splits = found.pop(""), {split: name for split, name in found.items() if name}
    if "train" in splits:
        return {split: (name, _first(LABELS[split], headers)) for split, name in splits.items()}
    several = [name for name, (shape, _) in headers.items() if len(shape) in (3, 4)]
    plain = plain or (several[0] if len(several) == 1 else None)
    if plain is None:
        there = ", ".join(f"{name} {header}" for name, header in headers.items()) or "no arrays"
        raise ValueError(
            f"{path} must have an array called images, or train_images and test_images, got {there}; rename one"
        )
    return {"": (plain, _first(LABELS[""], headers))}


def _first(names: tuple[str, ...], headers: Mapping[str, Header]) -> str | None:
    return next((name for name in names if name in headers), None)


def _content(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
        return {"images": found} if isinstance(found, np.ndarray) else {name: found[name] for name in names}


def _part(path: Path, images: str, labels: str | None, content: Mapping[str, np.ndarray], lines: list[str]) -> Part:
    pixels = _channels_first(path, images, content[images])
    if not len(pixels):
        raise ValueError(f"array {images} of {path} has no images; save at least two")
    pixels = _bytes(path, images, pixels, lines)
    if labels is None:
        return Part(pixels, None)
    found = content[labels]
    if found.size != len(pixels):
        raise ValueError(
            f"array {labels} of {path} must have one label for each of the {len(pixels)} images, got {found.shape}; "
            "remove it, or save labels as [N]"
        )
    return Part(pixels, [str(each) for each in found.ravel().tolist()])


def _channels_first(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if len(shape) == 3:
        array = array[:, None]
    elif len(shape) == 4 and shape[3] in (1, 3) and min(shape[1:3]) >= SMALLEST:
        array = array.transpose(0, 3, 1, 2)
    if len(shape) not in (3, 4) or array.shape[1] not in (1, 3) or min(array.shape[2:]) < SMALLEST:
        raise ValueError(
            f"array {name} of {path} must be [N, height, width], [N, height, width, C] or [N, C, height, width], where "
            f"C is 1 or 3 and height and width are at least {SMALLEST}, got {list(shape)}; reshape it"
        )
    return array


def _bytes(path: Path, name: str, array: np.ndarray, lines: list[str]) -> np.ndarray:
    """Return the pixels as uint8: 0 and 1 become 0 and 255, numbers in [0, 1] become 0 to 255."""
    if array.dtype.kind not in "buif":
        raise ValueError(f"array {name} of {path} must have numbers, got {array.dtype}; save uint8")
    low, high = array.min(), array.max()
    if array.dtype.kind == "f" and not (low >= 0 and high <= 1):  # also false for NaN
        raise ValueError(
            f"array {name} of {path} must be in [0, 1] because it is {array.dtype}, got {low:g} to {high:g}; "
            "divide it by its largest value, or save it as uint8"
        )
    if array.dtype.kind in "ui" and not (low >= 0 and high <= 255):
        raise ValueError(f"array {name} of {path} must be in 0 to 255, got {low} to {high}; save it as uint8")
    if array.dtype.kind == "f" or high <= 1:
        lines.append(f"{name}: values from {low:g} to {high:g} were multiplied by 255")
        return np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    return array.astype(np.uint8)
