"""All loaders read small files of the real format, which the tests write themselves."""

import gzip
import io
import pickle
import tarfile

import numpy as np
import pytest
import torch

from labkit import data
from labkit.data import cifar, readers

RNG = np.random.default_rng(0)


def mat(**arrays):
    from scipy.io import savemat

    out = io.BytesIO()
    savemat(out, arrays)
    return out.getvalue()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_give_their_images_and_labels(name, lay, digits_of_mnist):
    files, images, labels = digits_of_mnist
    lay(name, files)
    for split, n in (("train", 5), ("test", 2)):
        found, answers = data.load(name, split)
        assert found.dtype == torch.uint8 and answers.dtype == torch.int64
        assert np.array_equal(found.numpy(), images[:n, None]) and answers.tolist() == labels[:n].tolist()


def test_an_unpacked_idx_file_is_found_too(lay, digits_of_mnist):
    files, images, _ = digits_of_mnist
    folder = lay("mnist", files)
    for file in list(folder.iterdir()):
        file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()
    assert np.array_equal(data.load("mnist", "train")[0].numpy(), images[:, None])


def test_loaded_tensors_belong_to_the_caller(lay, digits_of_mnist, monkeypatch):
    """A tensor over read-only memory would let a caller write where it must not, and torch warns of it only once."""
    files, images, _ = digits_of_mnist
    lay("mnist", files)
    given = []
    from_numpy = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda array: given.append(array.flags.writeable) or from_numpy(array))
    data.load("mnist", "train")[0].zero_()
    assert given == [True, True]
    assert np.array_equal(data.load("mnist", "train")[0].numpy(), images[:, None])


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_amat_gives_black_and_white_and_no_labels(pack, lay):
    bits = RNG.integers(0, 2, (3, 784))
    text = "".join(" ".join(map(str, row)) + "\n" for row in bits).encode()
    folder = lay("binarized_mnist", {f"binarized_mnist_{split}.amat": text for split in ("train", "valid", "test")})
    for file in list(folder.iterdir()):
        if pack is gzip.compress:
            file.unlink()
            file = file.with_name(f"{file.name}.gz")
        file.write_bytes(pack(text))
    for split in ("train", "valid", "test"):
        for _ in range(2):  # the second time from the kept arrays
            images, labels = data.load("binarized_mnist", split)
            assert labels is None and np.array_equal(images.numpy(), 255 * bits.reshape(3, 1, 28, 28))


@pytest.mark.parametrize("text", [b"0 1 " * 392 + b"0 ", b"2 " * 784, b"x " * 784])
def test_amat_rejects_a_cut_line_and_other_characters(text):
    with pytest.raises(ValueError, match="lines must have"):
        readers.amat([text], "train")


def test_digits_equal_scikit_learns_each_once_with_a_fixed_split():
    from sklearn.datasets import load_digits  # takes a second, so only here

    raw = load_digits()
    scaled = np.rint(raw.images * 255 / 16).astype(np.uint8)
    whole = sorted((bytes(x), y) for x, y in zip(scaled, raw.target, strict=True))
    (train, train_y), (test, test_y) = data.load("digits", "train"), data.load("digits", "test")
    assert train.shape == (1437, 1, 8, 8) and test.shape == (360, 1, 8, 8)
    both = zip(torch.cat([train, test]).numpy(), torch.cat([train_y, test_y]).tolist(), strict=True)
    assert sorted((bytes(x), y) for x, y in both) == whole
    assert torch.equal(train, data.load("digits", "train")[0])
    assert test_y.bincount().min() > 20  # every digit occurs, which would fail at the end of the unshuffled file


def test_svhn_reorders_the_axes_and_changes_label_ten_to_zero(lay):
    x = RNG.integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    y = np.array([[10], [1], [9], [10]], np.uint8)
    lay("svhn", {"train_32x32.mat": mat(X=x, y=y), "test_32x32.mat": mat(X=x[..., :2], y=y[:2])})
    images, labels = data.load("svhn", "train")
    assert labels.tolist() == [0, 1, 9, 0]
    assert images[2, 1, 5, 7] == x[5, 7, 1, 2] and images.shape == (4, 3, 32, 32)
    assert len(data.load("svhn", "test")[0]) == 2


def test_omniglot_transposes_the_columns_of_chardata(lay):
    upright = RNG.random((6, 28, 28))
    columns = np.stack([image.flatten(order="F") for image in upright], axis=1)  # as MATLAB flattens
    alphabets = np.eye(50)[:, [3, 0, 49, 3, 1, 2]]
    parts = {"data": columns, "target": alphabets, "testdata": columns[:, :2], "testtarget": alphabets[:, 4:]}
    lay("omniglot", {"chardata.mat": mat(**parts)})
    images, labels = data.load("omniglot", "train")
    assert np.abs(images[:, 0].numpy() / 255 - upright).max() <= 0.5 / 255 + 1e-12
    assert labels.tolist() == [3, 0, 49, 3, 1, 2] and data.load("omniglot", "test")[1].tolist() == [1, 2]


def test_the_derived_omniglot_loads_with_a_warning(lay):
    images = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    out = io.BytesIO()
    np.savez(out, images=images, split=np.array([0, 1, 0, 1, 0], np.uint8), alphabet=np.arange(5, dtype=np.uint8))
    lay("omniglot", {"omniglot_28x28_derived.npz": out.getvalue()})
    with pytest.warns(UserWarning, match="N = 3: images resized by labkit .* NOT the file of the IWAE papers"):
        train, labels = data.load("omniglot", "train")
    assert np.array_equal(train[:, 0].numpy(), images[[0, 2, 4]]) and labels.tolist() == [0, 2, 4]
    with pytest.warns(UserWarning):
        assert data.load("omniglot", "test")[1].tolist() == [1, 3]


def test_silhouettes_are_white_upright_objects_with_classes_from_zero(lay):
    objects = RNG.integers(0, 2, (4, 28, 28))
    rows = np.stack([1 - image.flatten(order="F") for image in objects]).astype(np.uint8)  # 1 is the background
    labels = np.array([[1], [101], [7], [2]], np.uint8)
    parts = {f"{part}_data": rows[:n] for part, n in (("train", 4), ("val", 3), ("test", 2))}
    parts |= {f"{part}_labels": labels[:n] for part, n in (("train", 4), ("val", 3), ("test", 2))}
    lay("silhouettes", {"caltech101_silhouettes_28_split1.mat": mat(**parts)})
    for split, n in (("train", 4), ("valid", 3), ("test", 2)):
        images, classes = data.load("silhouettes", split)
        assert np.array_equal(images[:, 0].numpy(), 255 * objects[:n])
        assert classes.tolist() == [0, 100, 6, 1][:n]


def archive(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"cifar-10-batches/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def cifar_batches():
    """(names, planes [6, 2, 3072], labels [6, 2])."""
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    return names, RNG.integers(0, 256, (6, 2, 3072), dtype=np.uint8), RNG.integers(0, 10, (6, 2), dtype=np.uint8)


def records(planes, labels):
    return np.concatenate([labels[:, None], planes], axis=1).tobytes()


@pytest.mark.parametrize("form", ["python", "binary"])
def test_both_archives_of_cifar_give_the_same_images(form, lay):
    names, planes, labels = cifar_batches()
    if form == "python":
        pickled = {b"data": planes, b"labels": labels.tolist()}
        members = {
            name: pickle.dumps({key: value[i] for key, value in pickled.items()}, protocol=2)
            for i, name in enumerate(names)
        }
    else:
        members = {f"{name}.bin": records(planes[i], labels[i]) for i, name in enumerate(names)}
    members = dict(reversed(members.items()))  # the archive has another order than the set
    lay("cifar10", {f"cifar-10-{form}.tar.gz": archive(members)})
    train, answers = data.load("cifar10", "train")
    assert (
        np.array_equal(train.numpy(), planes[:5].reshape(10, 3, 32, 32))
        and answers.tolist() == labels[:5].flatten().tolist()
    )
    test, answers = data.load("cifar10", "test")
    assert np.array_equal(test.numpy(), planes[5].reshape(2, 3, 32, 32)) and answers.tolist() == labels[5].tolist()


def test_a_batch_with_other_objects_than_arrays_is_not_unpickled():
    stranger = archive({"test_batch": pickle.dumps({b"data": print})})
    with pytest.raises(pickle.UnpicklingError, match="print"):
        cifar.python([gzip.decompress(stranger)], "test")


def test_the_first_images_of_cifar_give_a_warning_and_the_whole_set_comes_first(lay):
    names, planes, labels = cifar_batches()
    prefix = {
        "data_batch_1_first4000.bin.gz": gzip.compress(records(planes[0], labels[0])),
        "test_batch_first1000.bin.gz": gzip.compress(records(planes[5], labels[5])),
    }
    lay("cifar10", prefix)
    with pytest.warns(UserWarning, match="cifar10 train, N = 2: only the first images .* 50,000") as caught:
        images, answers = data.load("cifar10", "train")
    assert len(caught) == 1
    assert np.array_equal(images.numpy(), planes[0].reshape(2, 3, 32, 32)) and answers.tolist() == labels[0].tolist()
    members = {f"{name}.bin": records(planes[i], labels[i]) for i, name in enumerate(names)}
    lay("cifar10", {"cifar-10-binary.tar.gz": archive(members)})
    assert len(data.load("cifar10", "train")[0]) == 10
