"""`from_images` reads your own images, grey or colour, up to 64 x 64 pixels: a folder of files, or arrays in a file.

found = from_images("photos")        # photos/cat/1.png, photos/dog/7.jpg, ...: subfolders are classes
found = from_images("images.npz")    # arrays `images` and `labels`, or train_images, test_images, ...
found.split("train")                 # uint8 [N, C, H, W], and labels or None
found.report                         # what was found, split, resized and left out, line by line
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image
from torch import Tensor

from labkit.data import arrays, folders, pictures
from labkit.data.arrays import SMALLEST, Part

LARGEST = 64  # pixels along an axis
USUAL = 32  # height and width if the sizes differ, or are larger
HELD, SEED = 0.1, 20260101  # fraction of the images for testing, and the seed that selects them: equal for all runs
ARRAYS = (".npz", ".npy")
GREY = np.array([299, 587, 114])  # parts of red, green and blue in a grey value, in thousandths
_LISTED = 12  # names in a line of the report

Split = tuple[Any, Tensor | None]  # images, as an array or a tensor, and their labels


@dataclass(frozen=True, eq=False)
class Images:
    """Images from your own files.

    Attributes:
        splits: "train", "test" and perhaps "valid", each with images uint8 [n, c, h, w], and labels or None.
        classes: the name of each label.
        binarisation: "fixed" if all pixels are black or white, otherwise "grey".
        checksum: of all images and labels, so that a later command notices a change.
        report: lines about what was found, split, resized and left out.
    """

    splits: dict[str, tuple[UInt8[Tensor, "n c h w"], Int64[Tensor, " n"] | None]]
    classes: tuple[str, ...]
    binarisation: str
    checksum: str
    report: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image."""
        channels, height, width = self.splits["train"][0].shape[1:]
        return channels, height, width

    def split(self, name: str) -> tuple[Tensor, Tensor | None]:
        """Return the images of a split and their labels, or None without labels.

        Raises:
            ValueError: there is no such split.
        """
        if name not in self.splits:
            raise ValueError(f"split of your images must be {' or '.join(self.splits)}, got {name!r}; choose one")
        return self.splits[name]


def is_path(name: str) -> bool:
    """Whether this looks like a path of files, not like the name of a data set."""
    return Path(name).suffix.lower() in ARRAYS or "/" in name or "\\" in name or Path(name).exists()


def from_images(path: Path | str, size: tuple[int, int] | None = None, channels: int | None = None) -> Images:
    """Return the images in a folder, or in a .npz or .npy file, with training and test images.

    Images of another size are cropped to the shape of `size` around their centre, and resized. Without test images,
    one tenth is set apart at random, always the same.

    Args:
        size: height and width; by default those of the images, or 32 x 32 if they differ or are above 64.
        channels: 1 for grey, 3 for colour; by default 3 if an image has colours.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: there are no usable images, the file is damaged, or shapes or numbers are wrong; the message says
            what to do.
    """
    path = Path(path).expanduser()
    if size is not None and not all(SMALLEST <= side <= LARGEST for side in size):
        wrong = " x ".join(map(str, size))
        raise ValueError(f"the size of images must be from {SMALLEST} to {LARGEST} pixels, got {wrong}; choose another")
    if channels not in (1, 3, None):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour), got {channels!r}; choose one, or leave it out")
    if path.is_dir():
        parts, lines = folders.read(path, lambda sizes: _size(sizes, size))
    elif not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give a folder of images, or a .npz or .npy file")
    elif path.suffix.lower() in ARRAYS:
        parts, lines = arrays.read(path)
        parts = _resized(parts, size, lines)
    else:
        raise ValueError(f"{path} must be a folder of images, or a file that ends in .npz or .npy; name one of these")
    parts = _of_channels(parts, channels, lines)
    return _images(path, parts, lines)


def _size(found: set[tuple[int, int]], wanted: tuple[int, int] | None) -> tuple[int, int]:
    """Return the size of all images: the wanted one, their own, or the usual one."""
    if wanted is not None:
        return wanted
    if len(found) == 1:
        (own,) = found
        if SMALLEST <= min(own) and max(own) <= LARGEST:
            return own
    return USUAL, USUAL


def _resized(parts: dict[str, Part], size: tuple[int, int] | None, lines: list[str]) -> dict[str, Part]:
    sizes = {part.images.shape[2:] for part in parts.values()}
    size = _size(sizes, size)
    if sizes == {size}:
        return parts
    lines.append(folders.resizing(sizes, size, sum(len(part.images) for part in parts.values())))
    return {split: Part(_fitted(part.images, size), part.labels) for split, part in parts.items()}


def _fitted(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    grey = images.shape[1] == 1
    sheets = (Image.fromarray(each[0] if grey else each.transpose(1, 2, 0)) for each in images)
    made = np.stack([pictures.fitted(sheet, size) for sheet in sheets])
    return made[:, None] if grey else made.transpose(0, 3, 1, 2)


def _of_channels(parts: dict[str, Part], channels: int | None, lines: list[str]) -> dict[str, Part]:
    """Return all images with the wanted number of channels; without one, images without any colour become grey."""
    found = max(part.images.shape[1] for part in parts.values())
    plain = all((part.images == part.images[:, :1]).all() for part in parts.values())
    wanted = channels or (1 if plain else 3)
    if wanted == 1 and not plain:
        lines.append("colours: changed to grey values, because the network reads one channel")
    if wanted == 3 and found == 1:
        lines.append("grey images: the same values in three channels, because the network reads colours")
    return {split: Part(_with_channels(part.images, wanted), part.labels) for split, part in parts.items()}


def _with_channels(images: np.ndarray, wanted: int) -> np.ndarray:
    if images.shape[1] == wanted:
        return images
    if wanted == 3:
        return images.repeat(3, 1)
    some = np.array_split(images, len(images) // 4096 + 1)  # a part at a time, because sums need eight times the memory
    return np.concatenate([((np.tensordot(x, GREY, (1, 0)) + 500) // 1000).astype(np.uint8) for x in some])[:, None]


def _images(path: Path, parts: dict[str, Part], lines: list[str]) -> Images:
    names = _classes(parts)
    arrays_of = {split: (part.images, _labels(part, names)) for split, part in parts.items()}
    given = "train" in parts
    arrays_of = arrays_of if given and "test" in parts else _set_apart(path, arrays_of)
    splits = {split: (torch.from_numpy(np.ascontiguousarray(x)), y) for split, (x, y) in arrays_of.items()}
    black = all(bool(((x == 0) | (x == 255)).all()) for x, _ in splits.values())
    channels, height, width = splits["train"][0].shape[1:]
    total = sum(len(x) for x, _ in splits.values())
    colours = {1: "black and white" if black else "grey", 3: "colour"}[channels]
    first = f"{path}: {total:,} images, {height} x {width}, {colours}"
    report = [first, *_class_line(names, splits), *lines, _split_line(splits, given and "test" in parts)]
    return Images(splits, names, "fixed" if black else "grey", _checksum(splits, names), tuple(report))


def _classes(parts: dict[str, Part]) -> tuple[str, ...]:
    """Return the sorted names of the labels; none if a part has no labels, or all are equal."""
    if any(part.labels is None for part in parts.values()):
        return ()
    names = {name for part in parts.values() for name in part.labels or ()}
    numeric = all(name.lstrip("-").isdecimal() for name in names)
    return tuple(sorted(names, key=int if numeric else str)) if len(names) > 1 else ()


def _labels(part: Part, names: tuple[str, ...]) -> Tensor | None:
    numbers = {name: i for i, name in enumerate(names)}
    return torch.tensor([numbers[name] for name in part.labels or ()]) if names else None


def _set_apart(path: Path, found: dict[str, Split]) -> dict[str, Split]:
    """Return the same images with some of the training images as test images."""
    images, labels = found.get("train") or found[""]
    n = len(images)
    if n < 2:
        raise ValueError(f"{path} must have at least two usable images, one to train and one to test, got {n}")
    order = np.random.default_rng(SEED).permutation(n)
    held = max(1, round(HELD * n))
    rows = {"train": np.sort(order[held:]), "test": np.sort(order[:held])}
    split = {name: (images[each], None if labels is None else labels[each]) for name, each in rows.items()}
    return {**split, **{name: part for name, part in found.items() if name not in ("", "train")}}


def _class_line(names: tuple[str, ...], splits: dict[str, Split]) -> list[str]:
    if not names:
        return []
    counts = Counter(int(k) for _, y in splits.values() if y is not None for k in y)
    each = [f"{name} ({counts[k]:,})" for k, name in enumerate(names)]
    more = f" and {len(each) - _LISTED} more" if len(each) > _LISTED else ""
    return [f"{len(names)} classes: {', '.join(each[:_LISTED])}{more}"]


def _split_line(splits: dict[str, Split], given: bool) -> str:
    sizes = ", ".join(f"{len(x):,} {name}" for name, (x, _) in splits.items())
    how = "as they were given" if given else "the test images were chosen at random, the same for every run"
    train = {each.numpy().tobytes() for each in splits["train"][0]}
    twice = sum(each.numpy().tobytes() in train for each in splits["test"][0])
    copies = f"; {twice:,} test images are also among the training images" if twice else ""
    return f"split: {sizes} ({how}){copies}"


def _checksum(splits: dict[str, Split], names: tuple[str, ...]) -> str:
    found = hashlib.sha256(json.dumps([names, {name: list(x.shape) for name, (x, _) in splits.items()}]).encode())
    for x, y in splits.values():
        found.update(x.numpy().tobytes())
        found.update(b"" if y is None else y.numpy().tobytes())
    return f"sha256 {found.hexdigest()}"
