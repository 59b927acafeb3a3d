"""`from_images`: folders of files and arrays become images, with a report; damaged and oversized ones are left out."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from labkit.data import from_images, pictures


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path, rng):
    """Twelve random colour PNG files of 20 x 24 pixels in two classes; gives the folder and their pixels by name."""
    pixels = {}
    for i in range(12):
        name = f"{'cat' if i < 5 else 'dog'}/{i:02d}.png"
        pixels[name] = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        save(tmp_path / "pets" / name, pixels[name])
    return tmp_path / "pets", pixels


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def every(found):
    """All images and labels, in no order, as a set of (bytes, label)."""
    rows = [
        (x[i].numpy().tobytes(), None if y is None else int(y[i]))
        for x, y in found.splits.values()
        for i in range(len(x))
    ]
    return sorted(rows)


# folders


def test_a_folder_gives_every_pixel_with_the_number_of_its_class(folder):
    place, pixels = folder
    found = from_images(place)
    assert found.shape == (3, 20, 24) and found.classes == ("cat", "dog") and found.binarisation == "grey"
    assert every(found) == sorted((p.transpose(2, 0, 1).tobytes(), int(name[0] == "d")) for name, p in pixels.items())
    assert found.split("train")[0].dtype == torch.uint8 and found.split("test")[1].dtype == torch.int64


def test_the_test_images_are_the_same_at_every_call_and_one_tenth(tmp_path, rng):
    np.save(tmp_path / "a.npy", rng.integers(0, 256, (50, 8, 8), dtype=np.uint8))
    first, again = from_images(tmp_path / "a.npy"), from_images(tmp_path / "a.npy")
    assert torch.equal(first.split("test")[0], again.split("test")[0]) and first.checksum == again.checksum
    assert (len(first.split("train")[0]), len(first.split("test")[0])) == (45, 5)


def test_a_given_split_is_kept(tmp_path, rng):
    pixels = rng.integers(0, 256, (6, 8, 8), dtype=np.uint8)
    names = ("train/a/1.png", "train/b/2.png", "val/a/3.png", "test/b/4.png", "test/a/5.png", "test/a/6.png")
    for name, each in zip(names, pixels, strict=True):
        save(tmp_path / name, each)
    found = from_images(tmp_path)
    assert {name: len(x) for name, (x, _) in found.splits.items()} == {"train": 2, "valid": 1, "test": 3}
    assert found.split("test")[1].tolist() == [0, 0, 1] and np.array_equal(found.split("valid")[0][0, 0], pixels[2])
    save(tmp_path / "more" / "7.png", pixels[0])
    with pytest.raises(ValueError, match="images outside of train, valid and test, such as more/7.png; move these"):
        from_images(tmp_path)


def test_images_of_many_sizes_are_cropped_and_resized(tmp_path):
    """The left half of a wide image is black and its right half white; its centre is half of each."""
    wide = np.zeros((40, 120), np.uint8)
    wide[:, 60:] = 255
    save(tmp_path / "wide.png", wide)
    save(tmp_path / "small.png", np.full((10, 10), 200, np.uint8))
    found = from_images(tmp_path)
    assert found.shape == (1, 32, 32)
    images = torch.cat([x for x, _ in found.splits.values()])
    halves = next(each[0].float() for each in images if each.float().std() > 50)
    assert halves[:, :14].max() < 20 and halves[:, 18:].min() > 235
    assert "resized: 2 images of 10 x 10 to 40 x 120 pixels" in "\n".join(found.report)
    assert from_images(tmp_path, (8, 16)).shape == (1, 8, 16)


def test_broken_files_are_named_with_a_reason_and_left_out(folder):
    place, pixels = folder
    whole = (place / "cat" / "00.png").read_bytes()
    (place / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (place / "dog" / "empty.jpg").write_bytes(b"")
    (place / "dog" / "words.png").write_text("not an image")
    (place / "dog" / "notes.txt").write_text("other")
    report = "\n".join(from_images(place).report)
    assert "12 images" in report and "3 files cannot be read, left out: cat/cut.png (" in report
    assert "dog/empty.jpg (the file is empty), dog/words.png (not an image of a known type)" in report
    assert "other files, left out: dog/notes.txt" in report


def test_a_bomb_is_refused_before_it_is_decoded(folder, monkeypatch):
    """A PNG of 200 bytes whose header promises 30,000 x 30,000 pixels."""
    place, _ = folder

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
    (place / "cat" / "bomb.png").write_bytes(bomb)
    (place / "dog" / "large.png").write_bytes(bytes(2000))
    monkeypatch.setattr(pictures, "FILE_BYTES", 1990)
    report = "\n".join(from_images(place).report)
    assert "12 images" in report and "dog/large.png (the file has 0 MB, at most 0 are read)" in report
    assert "cat/bomb.png (Image size (900000000 pixels) exceeds limit" in report
    monkeypatch.setattr(pictures, "PIXELS", 20 * 24 - 1)
    with pytest.raises(ValueError, match=r"no image in .* can be read: .*24 x 20 pixels, at most 479"):
        from_images(place)


def test_grey_files_and_colour_files_of_grey_pixels_have_one_channel(tmp_path, rng):
    grey = rng.integers(0, 256, (2, 9, 9), dtype=np.uint8)
    save(tmp_path / "a.png", grey[0])
    save(tmp_path / "b.png", np.stack(3 * [grey[1]], 2))
    found = from_images(tmp_path)
    assert every(found) == sorted((each.tobytes(), None) for each in grey) and found.classes == ()
    assert from_images(tmp_path, channels=3).shape == (3, 9, 9)


def test_colours_become_grey_values_if_the_network_reads_one_channel(folder):
    place, pixels = folder
    found = from_images(place, channels=1)
    wanted = [p @ np.array([0.299, 0.587, 0.114]) for p in pixels.values()]
    made = torch.cat([x for x, _ in found.splits.values()]).double().flatten(1).sum(1).sort()[0]
    assert found.shape == (1, 20, 24)
    assert np.allclose(made, sorted(each.sum() for each in wanted), atol=0.5 * 20 * 24)


def test_special_files_are_read(tmp_path):
    """A photo that is stored turned, 16 bits, and ink on a transparent sheet."""
    turned = Image.fromarray(np.repeat(np.array([[0], [250]], np.uint8), 8, 1).repeat(4, 0))  # dark above, 8 x 8
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "a.png", exif=exif)
    Image.fromarray(np.full((8, 8), 51456, np.uint16)).save(tmp_path / "b.png")
    sheet = np.zeros((8, 8, 4), np.uint8)
    sheet[:4, :, 3] = 255
    save(tmp_path / "c.png", sheet)
    images = torch.cat([x for x, _ in from_images(tmp_path).splits.values()])[:, 0].long()
    assert sorted((each[0, 0].item(), each[7, 7].item()) for each in images) == [(0, 255), (201, 201), (250, 0)]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must have images .* got no files; name another folder"):
        from_images(tmp_path)
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(ValueError, match=r"got only a\.txt"):
        from_images(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist; give a folder of images"):
        from_images(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"must be a folder of images, or a file that ends in \.npz or \.npy"):
        from_images(tmp_path / "a.txt")
    save(tmp_path / "one.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="at least two usable images, one to train and one to test, got 1"):
        from_images(tmp_path)


# arrays


@pytest.mark.parametrize("layout", ["nhw", "nhwc", "nchw", "one channel last"])
@pytest.mark.parametrize("how", ["uint8", "float"])
def test_arrays_of_every_layout_give_the_same_images(tmp_path, rng, layout, how):
    """Floats are k/255 exactly, so they become the bytes that they came from."""
    images = rng.integers(0, 256, (6, 3 if layout in ("nhwc", "nchw") else 1, 8, 10), dtype=np.uint8)
    given = {
        "nhw": images[:, 0], "nhwc": images.transpose(0, 2, 3, 1), "nchw": images,
        "one channel last": images.transpose(0, 2, 3, 1),
    }[layout]  # fmt: skip
    np.savez(tmp_path / "a.npz", images=given if how == "uint8" else given / 255, labels=np.array(list("bababa")))
    found = from_images(tmp_path / "a.npz")
    assert found.shape == images.shape[1:] and found.classes == ("a", "b")
    assert every(found) == sorted((each.tobytes(), int(i % 2 == 0)) for i, each in enumerate(images))


def test_arrays_with_a_split_keep_it_and_the_report_names_them(tmp_path, rng):
    parts = {
        f"{name}_images": rng.integers(0, 256, (n, 8, 8), dtype=np.uint8) for name, n in (("train", 4), ("test", 2))
    }
    np.savez(tmp_path / "a.npz", **parts, extra=np.zeros(3))
    found = from_images(tmp_path / "a.npz")
    assert {name: len(x) for name, (x, _) in found.splits.items()} == {"train": 4, "test": 2}
    assert "arrays: train_images [4, 8, 8] uint8, test_images [2, 8, 8] uint8" in found.report[1]
    assert found.report[2] == "other arrays, left out: extra"


def test_zeros_and_ones_are_black_and_white(tmp_path, rng):
    bits = rng.integers(0, 2, (10, 6, 6))
    np.save(tmp_path / "a.npy", bits.astype(np.int64))
    found = from_images(tmp_path / "a.npy")
    assert found.binarisation == "fixed" and set(found.split("train")[0].unique().tolist()) == {0, 255}


def test_a_copy_in_both_splits_is_reported(tmp_path):
    np.save(tmp_path / "a.npy", np.full((20, 8, 8), 7, np.uint8))
    assert from_images(tmp_path / "a.npy").report[-1].endswith("; 2 test images are also among the training images")


def test_a_change_of_one_pixel_or_label_changes_the_checksum(tmp_path, rng):
    images, labels = rng.integers(0, 255, (10, 8, 8), dtype=np.uint8), np.arange(10) % 2
    sums = set()
    for change in ("none", "pixel", "label"):
        images[3, 2, 1] += change == "pixel"
        labels[4] += change == "label"
        np.savez(tmp_path / "a.npz", images=images, labels=labels)
        sums.add(from_images(tmp_path / "a.npz").checksum)
    assert len(sums) == 3


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": np.zeros((5, 8, 8)) + 3.0}, r"must be in \[0, 1\] because it is float64, got 3 to 3; divide it"),
        ({"images": np.full((5, 8, 8), np.nan)}, r"must be in \[0, 1\]"),
        ({"images": np.full((5, 8, 8), 300)}, "must be in 0 to 255, got 300 to 300; save it as uint8"),
        ({"images": np.zeros((5, 64))}, r"must be \[N, height, width\], .* got \[5, 64\]; reshape it"),
        ({"images": np.zeros((20, 20, 3))}, "height and width are at least 4"),
        ({"images": np.zeros((5, 8, 8, 4))}, "C is 1 or 3"),
        ({"images": np.zeros((0, 8, 8))}, "has no images"),
        ({"images": np.zeros((5, 8, 8)), "labels": np.zeros(4)}, "one label for each of the 5 images"),
        ({"a": np.zeros((5, 8, 8)), "b": np.zeros((5, 8, 8))}, "must have an array called images"),
        ({"images": np.array([{}] * 5)}, "has Python objects, which are not read"),
        ({"images": np.full((5, 8, 8), "a")}, "must have numbers"),
    ],
)
def test_wrong_arrays_are_refused_with_what_was_found(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=said):
        from_images(tmp_path / "a.npz")


def test_an_array_that_would_fill_the_memory_is_refused_by_its_header(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 64, 64)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue())
    with pytest.raises(ValueError, match=r"have 4,096\.0 GB, at most 4 are read"):
        from_images(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_a_damaged_file_of_arrays_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"rubbish" * 50)
    with pytest.raises(ValueError, match=r"cannot be read \(.*\); save it again with numpy.savez"):
        from_images(tmp_path / name)


@pytest.mark.parametrize("size", [(3, 8), (8, 65)])
def test_a_size_outside_the_limits_is_refused(tmp_path, size):
    with pytest.raises(ValueError, match=f"must be from 4 to 64 pixels, got {size[0]} x {size[1]}"):
        from_images(tmp_path, size)


def test_small_values_in_files_of_16_bits_are_kept(tmp_path):
    dark = np.arange(256, dtype=np.uint16).reshape(16, 16)
    bright = dark * 257
    assert np.asarray(pictures._eight_bits(Image.fromarray(dark))).tolist() == dark.tolist()
    assert np.asarray(pictures._eight_bits(Image.fromarray(bright))).tolist() == dark.tolist()


def test_two_channels_are_refused(folder):
    with pytest.raises(ValueError, match="1 .grey. or 3 .colour., got 2"):
        from_images(folder[0], channels=2)
