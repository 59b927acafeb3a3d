"""A folder of image files: subfolders called train, valid and test are splits, other subfolders are classes."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from labkit.data import pictures
from labkit.data.arrays import BYTES, Part
from labkit.data.pictures import Picture

SPLITS = {"train": "train", "training": "train", "valid": "valid", "val": "valid", "test": "test", "testing": "test"}
LISTED = 20  # names of files in the report

Size = tuple[int, int]  # height, width


def read(folder: Path, choose: Callable[[set[Size]], Size]) -> tuple[dict[str, Part], list[str]]:
    """Return the parts of a folder by split, "" for a folder without splits, and lines that report what was found.

    Args:
        choose: returns the size of all images from the sizes that were found.

    Raises:
        ValueError: the folder has no image that can be read.
    """
    paths, others = pictures.walk(folder)
    found, bad = pictures.inspected(paths)
    if not found:
        raise ValueError(_nothing(folder, paths, others, bad))
    sizes = {(each.height, each.width) for each in found}
    size, colour = choose(sizes), any(each.colour for each in found)
    if len(found) * size[0] * size[1] * (3 if colour else 1) > BYTES:
        raise ValueError(f"the images of {folder} need more than {BYTES / 1e9:g} GB; use fewer, or a smaller size")
    made, broken = pictures.decoded(found, size, colour)
    bad |= broken
    if not made:
        raise ValueError(_nothing(folder, paths, others, bad))
    lines = _types(paths)
    if sizes != {size}:
        lines.append(resizing(sizes, size, sum((each.height, each.width) != size for each in found)))
    if others:
        lines.append(f"other files, left out: {_named(folder, others)}")
    if bad:
        lines.append(f"{len(bad):,} files cannot be read, left out: {_named(folder, bad, bad)}")
    return _parts(folder, made, lines), lines


def resizing(found: set[Size], size: Size, count: int) -> str:
    """Return a line about images that were resized."""
    smallest, largest = min(found, key=np.prod), max(found, key=np.prod)
    from_ = _by(smallest) if len(found) == 1 else f"{_by(smallest)} to {_by(largest)}"
    return f"resized: {count:,} images of {from_} pixels, cropped around their centre, now {_by(size)}"


def _by(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def _types(paths: Iterable[Path]) -> list[str]:
    types = Counter(path.suffix.lower() for path in paths)
    return ["files: " + ", ".join(f"{count:,} {ending}" for ending, count in types.most_common())]


def _named(folder: Path, paths: Iterable[Path], reasons: dict[Path, str] | None = None) -> str:
    every = list(paths)
    names = [
        str(path.relative_to(folder)) + (f" ({reasons[path]})" if reasons else "") for path in sorted(every)[:LISTED]
    ]
    more = f" and {len(every) - LISTED:,} more" if len(every) > LISTED else ""
    return ", ".join(names) + more


def _nothing(folder: Path, paths: list[Path], others: list[Path], bad: dict[Path, str]) -> str:
    endings = " ".join(sorted(pictures.ENDINGS))
    if paths:
        return f"no image in {folder} can be read: {_named(folder, bad, bad)}"
    there = f"only {_named(folder, others[:LISTED])}" if others else "no files"
    return f"{folder} must have images ({endings}) in it or in its subfolders, got {there}; name another folder"


def _parts(folder: Path, made: list[tuple[Picture, np.ndarray]], lines: list[str]) -> dict[str, Part]:
    """Return the images by split. They have labels if all of a split are in subfolders."""
    inside = [picture.path.relative_to(folder).parts for picture, _ in made]
    splits = {SPLITS.get(parts[0].lower(), "") if len(parts) > 1 else "" for parts in inside}
    given = "train" in splits
    if given and "" in splits:
        outside = next(parts for parts in inside if len(parts) == 1 or parts[0].lower() not in SPLITS)
        raise ValueError(
            f"{folder} has a folder train, and images outside of train, valid and test, such as {'/'.join(outside)}; "
            "move these, or rename the folder train"
        )
    found: dict[str, list[tuple[str | None, np.ndarray]]] = {}
    for parts, (_, pixels) in zip(inside, made, strict=True):
        split, rest = (SPLITS[parts[0].lower()], parts[1:]) if given else ("", parts)
        found.setdefault(split, []).append((rest[0] if len(rest) > 1 else None, pixels))
    order = [split for split in ("", "train", "valid", "test") if split in found]
    loose = sum(label is None for rows in found.values() for label, _ in rows)
    if 0 < loose < len(made):
        lines.append(f"no classes, because {loose:,} images are in no subfolder")
    return {
        split: _part([pixels for _, pixels in found[split]], [label for label, _ in found[split]]) for split in order
    }


def _part(pixels: list[np.ndarray], labels: list[str | None]) -> Part:
    images = np.stack(pixels)
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    known = [label for label in labels if label is not None]
    return Part(images, known if len(known) == len(labels) else None)
