"""Tables: files made by the tests, standard splits, CSV files with their mistakes, and real files."""

import gzip
import hashlib
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from labkit import data
from labkit.data import registry, tables

REAL = pytest.mark.skipif("LABKIT_DATA" not in os.environ, reason="LABKIT_DATA names no folder with the real tables")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """(folder for the files of uci/yacht, lay(text)), where lay makes the registry expect that text."""
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "uci" / "yacht"
    folder.mkdir(parents=True)

    def lay(text: str) -> None:
        (folder / "data.txt").write_text(text)
        known = registry.TABLES["uci/yacht"]
        file = replace(known.sources[0].files["all"][0], md5=hashlib.md5(text.encode()).hexdigest())
        source = replace(known.sources[0], files={"all": (file,)})
        monkeypatch.setitem(registry.TABLES, "uci/yacht", replace(known, sources=(source,)))

    return folder, lay


def rows(n=20):
    return np.arange(n * 7.0).reshape(n, 7)


def text(numbers):
    return "\n".join(" ".join(f"{value:g}" for value in row) for row in numbers) + "\n"


def test_the_last_column_is_the_target_and_split_files_are_used(place):
    folder, lay = place
    lay(text(rows()))
    for k, held in enumerate(("3.0\n5.0\n", "0.0\n")):
        (folder / f"index_test_{k}.txt").write_text(held)
        (folder / f"index_train_{k}.txt").write_text("9.0\n8.0\n7.0\n")
    found = data.table("uci/yacht")
    assert torch.equal(found.x, torch.from_numpy(rows()[:, :6])) and torch.equal(
        found.y, torch.from_numpy(rows()[:, 6])
    )
    train, held = found.split(0)
    assert train.tolist() == [9, 8, 7] and held.tolist() == [3, 5] and found.origin == tables.STANDARD
    assert found.split(1)[1].tolist() == [0]
    with pytest.raises(ValueError, match="split must be 0 to 1, got 2"):
        found.split(2)
    x, y = data.load("uci/yacht", "all")
    assert torch.equal(x, found.x) and torch.equal(y, found.y)


def test_without_split_files_a_tenth_is_held_out_by_the_seed(place):
    _, lay = place
    lay(text(rows()))
    found = data.table("uci/yacht")
    for k in range(3):
        train, held = found.split(k)
        assert len(held) == 2 and sorted([*train.tolist(), *held.tolist()]) == list(range(20))
    assert len({tuple(found.split(k)[1].tolist()) for k in range(5)}) > 1 and "seeded" in found.origin
    assert torch.equal(found.split(1)[0], found.split(1)[0])
    assert found.split(1)[0].tolist() != found.split(1, seed=5)[0].tolist()


def test_an_altered_file_is_rejected(place):
    folder, lay = place
    lay(text(rows()))
    (folder / "data.txt").write_text(text(rows(19)))
    with pytest.raises(data.AlteredError, match="expected md5"):
        data.table("uci/yacht")


def test_the_error_for_a_missing_file_has_the_folders(place):
    with pytest.raises(FileNotFoundError, match="uci/yacht all: data.txt .* is not in LABKIT_DATA"):
        data.table("uci/yacht")


def test_covertype_of_the_official_file_has_54_features_and_type_2_is_one(tmp_path, monkeypatch):
    numbers = np.zeros((3, 55), int)
    numbers[:, 0], numbers[:, 54] = (1, 2, 3), (2, 1, 2)
    packed = gzip.compress("\n".join(",".join(map(str, row)) for row in numbers).encode())
    (tmp_path / "covertype").mkdir()
    (tmp_path / "covertype" / "covtype.data.gz").write_bytes(packed)
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    known = registry.TABLES["covertype"]
    file = replace(known.sources[0].files["all"][0], sha256=hashlib.sha256(packed).hexdigest())
    first = replace(known.sources[0], files={"all": (file,)})
    monkeypatch.setitem(registry.TABLES, "covertype", replace(known, sources=(first, *known.sources[1:])))
    found = data.table("covertype")
    assert found.x.shape == (3, 54) and found.x[:, 0].tolist() == [1, 2, 3] and found.y.tolist() == [1, 0, 1]
    assert len(found.features) == 54 and found.note == ""


def test_breast_cancer_comes_with_scikit_learn():
    found = data.table("breast_cancer")
    assert found.x.shape == (569, 30) and found.y.sum() == 357 and found.features[0] == "mean radius"


def test_from_csv_reads_a_users_file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a, price ,b\n1,10,2\n3,30,4\n5,50,7\n")
    found = data.from_csv(path, "price")
    assert found.x.tolist() == [[1, 2], [3, 4], [5, 7]] and found.y.tolist() == [10, 30, 50]
    assert found.features == ("a", "b") and found.target == "price"


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b\n1,2\n3,4\n5,6\n", "c", r"must be a column of .* \(a, b\), got 'c'"),
        ("a,b\n1,2\n3,x\n5,6\n", "b", "line 3 of .*, column 'b', must be a finite number, got 'x'"),
        ("a,b\n1,2\n3,inf\n5,6\n", "b", "must be a finite number, got 'inf'"),
        ("a,b\n1,2\n,4\n5,6\n", "b", "line 3 of .* has no value in column 'a'"),
        ("a,b\n1,2\n1,4\n1,6\n", "b", "column 'a' of .* is 1 in every row"),
        ("a,b\n1,2\n3,2\n5,2\n", "b", "column 'b' of .* is 2 in every row"),
        ("a,b\n1,2,3\n3,4\n5,6\n", "b", "line 2 of .* must have 2 cells like the names, got 3"),
        ("a,a\n1,2\n3,4\n5,6\n", "a", "has two columns with the name 'a'"),
        ("b\n1\n3\n5\n", "b", "must have features and b, got only that column"),
        ("a,b\n1,2\n", "b", "3 rows or more, got 1"),
        ("", "b", "3 rows or more, got 0"),
    ],
)
def test_errors_name_the_mistake_in_a_csv_file(tmp_path, content, target, words):
    path = tmp_path / "mine.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        data.from_csv(path, target)


def test_errors_name_an_unknown_table_and_an_unknown_split():
    with pytest.raises(ValueError, match="did you mean 'uci/yacht'"):
        data.table("uci/yaht")
    with pytest.raises(ValueError, match="split of breast_cancer must be all, got 'train'"):
        data.load("breast_cancer", "train")


@REAL
@pytest.mark.parametrize("name", [name for name in registry.TABLES if name.startswith("uci/")])
def test_the_real_tables_have_their_rows_features_and_splits(name):
    known, found = registry.TABLES[name], data.table(name)
    assert found.x.shape == (known.rows, known.features) and found.x.isfinite().all()
    count = len(found.y)
    for train, held in found.splits:
        assert sorted([*train.tolist(), *held.tolist()]) == list(range(count))
        assert len(held.unique()) == len(held) and abs(len(held) - count / 10) <= 1 and held.max() < count
    assert len(found.splits) == (5 if name == "uci/protein" else 20)
