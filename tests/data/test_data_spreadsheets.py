"""CSV files from spreadsheets of many countries and from other programs give the same numbers."""

import numpy as np
import pandas as pd
import pytest

from labkit import data

FRAME = pd.DataFrame({"größe": [1.5, 3.25, -5e-3], "b": [10.0, 30.0, 50.0], "preis": [2.0, 4.5, 7.0]})
WANTED = FRAME[["größe", "b"]].to_numpy().tolist()


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize(("end", "point"), [(",", "."), (";", ","), (";", "."), ("\t", ","), ("\t", ".")])
def test_a_table_is_read_in_every_format(end, point, encoding, index, tmp_path):
    """pandas writes the files; labkit does not use it."""
    path = tmp_path / "mine.csv"
    FRAME.to_csv(path, sep=end, decimal=point, encoding=encoding, index=index)
    found = data.from_csv(path, "preis")
    assert found.features == ("größe", "b") and found.x.tolist() == WANTED and found.y.tolist() == [2, 4.5, 7]
    assert ("counts the rows" in found.note) is index


def test_an_index_column_of_pandas_and_empty_columns_are_left_out(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("Unnamed: 0,a,b,\n1,5,2,\n2,6,4,\n3,9,5,\n")
    found = data.from_csv(path, "b")
    assert found.features == ("a",) and found.x.tolist() == [[5], [6], [9]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b",a,b\nx,1,2\ny,3,4\nz,5,7\n", "column 1 of .* has no name; give it one, or remove it"),
        (b'a,b\n1,2\n3,4\n5,"1,5"\n', "got '1,5'; write a decimal point"),
        (b"a;b\n1.5;2\n3;4,5\n5;6\n", "has points and commas in its numbers"),
        (b"PK\x03\x04" + bytes(100), "is a spreadsheet .xlsx or ods., not a CSV file"),
        ("a,b\n1,2\n".encode("utf-16-le"), "not text; save the table as CSV in UTF-8"),
        (b"\xff\xfea", "cannot be read|not text|3 rows"),
        (b"\x89PNG\r\n\x1a\n\x00", "not text"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n2,3\n4,5\n", "cannot be read as CSV .field larger"),
        (b"a,b\n1," + b"x" * 5000 + b"\n2,3\n4,5\n", "must be a finite number, got 'xxx"),
        (b"a" * 5000 + b",c\n1,2\n2,3\n4,5\n", "must be a column"),
        (",".join(f"x{i}" for i in range(1000)).encode() + 3 * (b"\n" + b",".join([b"1"] * 1000)), "must be a column"),
    ],
)
def test_a_file_that_cannot_be_read_raises_a_short_error(content, words, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        data.from_csv(path, "b")
    said = str(caught.value).replace(str(path), "mine.csv")
    assert not isinstance(caught.value, UnicodeError) and "\n" not in said and len(said) < 300


def test_the_error_has_the_closest_name_but_not_a_thousand_names(tmp_path):
    path = tmp_path / "mine.csv"
    names = [*(f"x{i}" for i in range(1000)), "price"]
    pd.DataFrame(np.random.default_rng(0).normal(size=(4, 1001)), columns=names).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"\(price, .*\.\.\.\), got 'prise'"):
        data.from_csv(path, "prise")
