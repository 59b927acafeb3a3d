"""A missing, incomplete or altered file raises one clear error, and no unfinished file remains."""

import gzip
import hashlib
import os
import re

import numpy as np
import pytest

from labkit import data
from labkit.data import files, registry

IMAGES = "train-images-idx3-ubyte.gz"
NO_DEFLATE = b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 50  # gzip's header, then a block of an unknown type


def md5(content):
    return hashlib.md5(content).hexdigest()


def test_a_wrong_name_or_split_raises_an_error_with_the_known_ones(room):
    with pytest.raises(ValueError, match="must be one of digits, mnist, .* got 'mnst'; did you mean 'mnist'"):
        data.load("mnst", "train")
    with pytest.raises(ValueError, match="split of mnist must be train or test, got 'valid'"):
        data.load("mnist", "valid")
    with pytest.raises(ValueError, match="train or valid or test, got 'dev'"):
        data.load("silhouettes", "dev")


@pytest.mark.parametrize("name", [name for name in registry.SETS if name != "digits"])
def test_the_error_for_a_missing_file_has_its_name_the_folders_and_advice(name, room):
    with pytest.raises(FileNotFoundError) as caught:
        data.load(name, "test")
    file = registry.SETS[name].sources[0].files["test"][0]
    said = str(caught.value)
    assert file.name in said and (file.unpacked_md5 or file.md5) in said
    assert str(room / "data" / name) in said and str(room / "cache" / name) in said
    assert f"`labkit data fetch {name}`" in said


def test_the_error_for_missing_labels_names_them_not_the_images(lay, digits_of_mnist):
    folder = lay("mnist", digits_of_mnist[0])
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="train-labels-idx1-ubyte.gz .* is not in LABKIT_DATA"):
        data.load("mnist", "train")


def test_the_error_for_a_cut_or_altered_file_has_both_checksums(lay, digits_of_mnist):
    contents = digits_of_mnist[0]
    file = lay("mnist", contents) / IMAGES
    good = gzip.decompress(contents[IMAGES])
    flipped = bytearray(contents[IMAGES])
    flipped[len(flipped) // 2] ^= 1
    other = gzip.compress(good[:-1] + b"!")
    for bad, found in (
        (contents[IMAGES][:-20], f"md5 {md5(contents[IMAGES][:-20])} of a gzip file that is incomplete or damaged"),
        (bytes(flipped), f"md5 {md5(bytes(flipped))} of a gzip file"),
        (NO_DEFLATE, f"md5 {md5(NO_DEFLATE)} of a gzip file"),
        (other, f"md5 {md5(good[:-1] + b'!')} unpacked"),
        (b"", f"md5 {md5(b'')} unpacked"),
    ):
        file.write_bytes(bad)
        with pytest.raises(data.AlteredError) as caught:
            data.load("mnist", "train")
        said = str(caught.value)
        assert str(file) in said and f"expected md5 {md5(good)} unpacked, found {found}" in said
        assert "replace or remove it" in said and "`labkit data fetch mnist`" in said and "--accept" not in said


def test_a_copy_gzipped_again_is_recognised_by_its_content(lay, digits_of_mnist):
    contents, images, _ = digits_of_mnist
    folder = lay("mnist", contents)
    (folder / IMAGES).write_bytes(gzip.compress(gzip.decompress(contents[IMAGES]), compresslevel=1, mtime=1))
    assert (folder / IMAGES).read_bytes() != contents[IMAGES]
    assert np.array_equal(data.load("mnist", "train")[0].numpy(), images[:, None])


def test_an_unconfirmed_checksum_is_reported_and_can_be_accepted(lay, digits_of_mnist, register):
    contents, images, _ = digits_of_mnist
    file = lay("fashion_mnist", contents, md5="0" * 32, confirmed=False) / IMAGES
    with pytest.raises(data.AlteredError) as caught:
        data.load("fashion_mnist", "train")
    assert "unconfirmed" in str(caught.value) and "`labkit data fetch fashion_mnist --accept`" in str(caught.value)
    assert f"expected md5 {'0' * 32}, found md5 {md5(contents[IMAGES])}" in str(caught.value)
    data.fetch("fashion_mnist", accept=True)
    assert np.array_equal(data.load("fashion_mnist", "train")[0].numpy(), images[:, None])
    register("fashion_mnist", {IMAGES: contents[IMAGES]}, md5="0" * 32, confirmed=True)
    with pytest.raises(data.AlteredError):  # a later release with a confirmed checksum does not use the old acceptance
        data.load("fashion_mnist", "train")
    register("fashion_mnist", {IMAGES: contents[IMAGES]}, md5="0" * 32, confirmed=False)
    file.write_bytes(gzip.compress(b"another"))  # these bytes are accepted, not the name
    with pytest.raises(data.AlteredError):
        data.load("fashion_mnist", "train")


def test_a_file_with_a_wrong_confirmed_checksum_cannot_be_accepted(lay, digits_of_mnist):
    file = lay("mnist", digits_of_mnist[0]) / IMAGES
    file.write_bytes(b"something else")
    with pytest.raises(data.AlteredError, match=re.escape(str(file))):
        data.fetch("mnist", accept=True)
    assert file.read_bytes() == b"something else"  # files in LABKIT_DATA belong to the user


def test_accepted_bytes_of_another_format_raise_an_error(lay, digits_of_mnist):
    contents = digits_of_mnist[0] | {IMAGES: b"<html>moved</html>"}
    lay("fashion_mnist", contents, md5="0" * 32, confirmed=False)
    data.fetch("fashion_mnist", accept=True)
    with pytest.raises(data.AlteredError, match="cannot be read as fashion_mnist: .* 00 00 08, this one with 3c 68 74"):
        data.load("fashion_mnist", "train")


def test_another_number_of_labels_than_images_is_rejected(lay, digits_of_mnist):
    contents = digits_of_mnist[0]
    labels = contents["t10k-labels-idx1-ubyte.gz"]
    lay("mnist", contents | {"train-labels-idx1-ubyte.gz": labels})
    with pytest.raises(data.AlteredError, match="2 labels"):
        data.load("mnist", "train")


@pytest.fixture
def binarized(lay):
    rows = b"0 1 " * 391 + b"1 0\n"
    names = [f"binarized_mnist_{split}.amat" for split in ("train", "valid", "test")]
    return lay("binarized_mnist", dict.fromkeys(names, rows * 4)) / names[0]


def test_unpacked_arrays_are_kept_until_the_file_changes(binarized, room):
    data.load("binarized_mnist", "train")
    kept = room / "cache" / "binarized_mnist" / "train.npz"
    assert [file.name for file in kept.parent.iterdir()] == ["train.npz"]
    binarized.write_bytes(binarized.read_bytes()[:-1568])
    with pytest.raises(data.AlteredError, match="found md5"):
        data.load("binarized_mnist", "train")


def test_the_second_load_reads_the_kept_arrays_and_replaces_damaged_ones(binarized, room, monkeypatch):
    first, _ = data.load("binarized_mnist", "train")
    kept = room / "cache" / "binarized_mnist" / "train.npz"
    whole = kept.read_bytes()
    with monkeypatch.context() as blind:
        blind.setattr(files, "read", lambda *_: pytest.fail("read again"))
        assert data.load("binarized_mnist", "train")[0].equal(first)
    flipped = bytearray(whole)
    flipped[whole.index(first.numpy().tobytes()) + 100] ^= 255
    for damaged in (whole[:-100], bytes(flipped), b"", b"no archive"):
        kept.write_bytes(damaged)
        assert data.load("binarized_mnist", "train")[0].equal(first)
        assert len(kept.read_bytes()) == len(whole)


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_does_not_stop_a_load(binarized, room):
    (room / "cache").mkdir()
    (room / "cache").chmod(0o500)
    assert len(data.load("binarized_mnist", "train")[0]) == 4


def test_a_cache_that_is_a_file_does_not_stop_a_load(binarized, room):
    (room / "cache").write_text("in the way")
    assert len(data.load("binarized_mnist", "train")[0]) == 4


def test_without_variables_the_cache_is_the_systems_folder(room, monkeypatch):
    monkeypatch.delenv("LABKIT_CACHE")
    monkeypatch.delenv("LABKIT_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(room / "home"))
    assert files.cache().name == "labkit"
    assert [place for place, _ in files.folders("mnist")] == ["cache"]


def test_all_files_to_download_have_a_checksum_and_a_mirror():
    for name, known in registry.SETS.items():
        for file in (file for split in known.sources[0].files.values() for file in split):
            assert re.fullmatch("[0-9a-f]{32}", file.md5), name
            assert file.urls and all(url.startswith("http") and url.endswith(file.name) for url in file.urls), name
        assert known.binarisation in ("fixed", "grey") and known.terms
        assert all(set(source.files) == set(known.splits) for source in known.sources)
