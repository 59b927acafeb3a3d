"""Readers turn verified bytes of files into arrays: images uint8 [n, c, h, w], labels integer [n] or `None`.

Each reader gets the unpacked contents of a split's files, and the split. It raises ValueError for another format.
MATLAB's matrices store each image column by column; here it is transposed.
"""

import io
import struct

import numpy as np

from labkit.private import sklearn as private

Arrays = tuple[np.ndarray, np.ndarray | None]
_MATLAB_SPLITS = {"train": "train", "valid": "val", "test": "test"}


def no_images(contents: list[bytes], split: str) -> Arrays:
    """Raise ValueError, because the file is a table."""
    raise ValueError("a table has no images; `labkit.data.table` reads it")


def idx(contents: list[bytes], split: str) -> Arrays:
    """Return images and labels in LeCun's IDX format."""
    images, labels = map(_idx, contents)
    return images[:, None], labels


def _idx(content: bytes) -> np.ndarray:
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"an IDX file of bytes starts with 00 00 08, this one with {content[:3].hex(' ')}")
    header = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:header])
    wanted = header + int(np.prod(shape))
    if len(content) != wanted:
        raise ValueError(f"the IDX header announces {wanted:,} bytes, but the file has {len(content):,}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def amat(contents: list[bytes], split: str) -> Arrays:
    """Return images of 0 and 255 from lines of 784 zeros and ones with spaces; there are no labels."""
    (content,) = contents
    line = 2 * 784  # each digit is followed by a space or the end of the line
    if len(content) % line:
        raise ValueError(f"lines must have {line} bytes, but the last of {len(content):,} bytes is incomplete")
    digits = np.frombuffer(content, np.uint8)[::2] - np.uint8(ord("0"))
    if digits.size and digits.max() > 1:
        raise ValueError("lines must have 784 zeros and ones with single spaces, but there are other characters")
    return (digits * np.uint8(255)).reshape(-1, 1, 28, 28), None


def digits(contents: list[bytes], split: str) -> Arrays:
    """Return scikit-learn's 8x8 digits, with 0..16 scaled to 0..255, in a fixed random order.

    The first 1437 are for training, the other 360 for testing. The original order is by writer.
    """
    found = private.digits()
    order = np.random.RandomState(0).permutation(len(found))  # numpy never changes the numbers of this generator
    chosen = found[order[:1437] if split == "train" else order[1437:]]
    return np.rint(chosen[:, :64].reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8), chosen[:, 64].astype(np.int64)


def svhn(contents: list[bytes], split: str) -> Arrays:
    """Return cropped house numbers from X (32, 32, 3, n) and y (n, 1), where 10 means the digit 0."""
    found = _mat(contents[0], ("X", "y"))
    return found["X"].transpose(3, 2, 0, 1), found["y"].reshape(-1) % 10


def omniglot(contents: list[bytes], split: str) -> Arrays:
    """Return the IWAE papers' chardata.mat: one image per column, intensities 0..1; labels number the alphabet."""
    prefix = {"train": "", "test": "test"}[split]
    found = _mat(contents[0], (f"{prefix}data", f"{prefix}target"))
    images = np.rint(found[f"{prefix}data"].T * 255).astype(np.uint8)
    return _upright(images), found[f"{prefix}target"].argmax(axis=0)


def omniglot_derived(contents: list[bytes], split: str) -> Arrays:
    """Return the images resized by labkit: background alphabets for training, evaluation alphabets for testing.

    Labels number the alphabet.
    """
    with np.load(io.BytesIO(contents[0])) as found:
        rows = found["split"] == {"train": 0, "test": 1}[split]
        return found["images"][rows][:, None], found["alphabet"][rows]


def silhouettes(contents: list[bytes], split: str) -> Arrays:
    """Return Marlin's silhouettes with 255 for the object and classes from 0.

    In the file, 1 is the background, and classes start at 1.
    """
    part = _MATLAB_SPLITS[split]
    found = _mat(contents[0], (f"{part}_data", f"{part}_labels"))
    images = np.where(found[f"{part}_data"] > 0, 0, 255).astype(np.uint8)
    return _upright(images), found[f"{part}_labels"].reshape(-1).astype(np.int64) - 1


def _mat(content: bytes, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    found = loadmat(io.BytesIO(content), variable_names=keys)
    missing = [key for key in keys if key not in found]
    if missing:
        raise ValueError(f"the MATLAB file has no {', '.join(missing)}")
    return {key: found[key] for key in keys}


def _upright(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, 1, 28, 28).swapaxes(2, 3)
