"""The images that a command trains or tests with: a data set by its name, or files of your own by their path."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.cli import console
from labkit.cli.errors import fail, quoted

if TYPE_CHECKING:
    from labkit.data import Images

SPLIT = "struct_mnist"  # MNIST; one half of an image is generated from the other


@dataclass(frozen=True)
class Found:
    """Images by split.

    Attributes:
        data: the name of a data set, or the whole path of your own images.
        binarize: the binarisation that results name. Images that come as black and white are always "fixed".
        own: your own images, None for a data set.
    """

    data: str
    binarize: str
    own: "Images | None" = None

    def split(self, name: str) -> Any:
        """Return the images of a split as uint8 (N, C, H, W), and their labels if there are any.

        With binarisation "fixed" the images are binarised here, once.

        Raises:
            ValueError: there is no such data set or split.
            FileNotFoundError: its files are missing.
        """
        from labkit.data import load
        from labkit.data.binarisation import fixed

        try:
            pair = self.own.split(name) if self.own else load("mnist" if self.data == SPLIT else self.data, name)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}; or use --data digits, which needs no files") from None
        images, labels = pair
        images = fixed(images) if self.binarize == "fixed" else images
        return (images,) if labels is None else (images, labels)

    @property
    def facts(self) -> dict[str, str]:
        """What a run remembers of your own images: their checksum."""
        return {"images": self.own.checksum} if self.own else {}

    @property
    def classes(self) -> int:
        """The number of classes of your own images, 0 if it is unknown."""
        return len(self.own.classes) if self.own else 0

    @property
    def title(self) -> str:
        """A short name, for folders."""
        return Path(self.data).stem if self.own else self.data


def find(
    data: str, binarize: str, size: tuple[int, int] | None = None, channels: int | None = None, checksum: str = ""
) -> Found:
    """Return the images of a data set, or your own ones; about these it prints a report.

    Args:
        size, channels: for your own images, see `labkit.data.from_images`.
        checksum: of the same images in an earlier command, or "".

    Raises:
        ValueError: your own images cannot be used, or have changed since the earlier command.
        FileNotFoundError: they do not exist.
    """
    from rich.console import Console

    from labkit.data import SETS, from_images, own
    from labkit.training import is_first

    if data in SETS or data == SPLIT or not own.is_path(data):
        known = data in SETS and SETS[data].binarisation == "fixed"
        return Found(data, "fixed" if known else binarize)
    path = str(Path(data).expanduser().resolve())
    with Console(stderr=True).status(f"reading {path}"):
        found = from_images(path, size, channels)
    if is_first():
        console.report(found.report)
    if checksum and checksum != found.checksum:
        raise ValueError(
            f"the images in {path} have changed since the run began; restore them, name the place of the same images "
            "with --data, or train again"
        )
    return Found(path, "fixed" if found.binarisation == "fixed" else binarize, found)


def parsed(size: str | None) -> tuple[int, int] | None:
    """Return height and width from the words of --size: 32, or 24x32."""
    if size is None:
        return None
    sides = size.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdecimal() and len(side) < 5 for side in sides):
        fail(f"--size must be a number of pixels, or height and width such as 24x32, got {quoted(size)}")
    return int(sides[0]), int(sides[-1])
