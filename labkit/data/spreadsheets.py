"""`from_csv` reads your own CSV files, as spreadsheets of many countries write them.

Commas, semicolons or tabs separate cells. Numbers have a point or a comma. Text is UTF-8, UTF-16 or Latin-1.
"""

import codecs
import csv
import difflib
import io
import math
import re
from pathlib import Path

import numpy as np
import torch

from labkit.data.tables import Table

ENDS = ",;\t"  # possible separators; the first one is used if two give equally many columns
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_OTHERS = {b"PK\x03\x04": "a spreadsheet (xlsx or ods)", b"\x1f\x8b": "a gzip file", b"\xd0\xcf\x11\xe0": "an xls file"}
_UNNAMED = re.compile(r"|Unnamed: \d+")  # pandas writes its index without a name, and reads it with the second name
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?[\d,]*\.\d*([\d,.]*)([eE][+-]?\d+)?")


def from_csv(path: Path | str, target: str) -> Table:
    """Return a table from a CSV file with a line of names; all columns except the target are features.

    A column without a name that only counts the rows, as pandas and R write it, is left out. The table's note reports
    it.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not text, or has fewer than 3 rows or rows of different length. The target is not a
            column, or two columns have one name. A column has no name, or is constant. A cell is empty, or not a finite
            number. The message names the place.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give the path of a CSV file with a line of names")
    (names, *rows), end = cells(path, path.read_bytes())
    if len(rows) < 3:
        raise ValueError(f"{path} must have a line of names and 3 rows or more, got {len(rows)}")
    names = [name.strip() for name in names]
    for i, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise ValueError(f"line {i} of {path} must have {len(names)} cells like the names, got {len(row)}")
    kept, note = _kept(path, names, rows)
    names = [names[j] for j in kept]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path} has two columns with the name {_short(twice)}; rename one")
    if target not in names:
        raise ValueError(f"the target must be a column of {path} ({_listed(names, target)}), got {_short(target)}")
    if len(names) < 2:
        raise ValueError(f"{path} must have features and {target}, got only that column")
    rows = with_points(path, [[row[j].strip() for j in kept] for row in rows], end)
    numbers = np.array([_row(path, names, i, row) for i, row in enumerate(rows, 2)])
    for name, column in zip(names, numbers.T, strict=True):
        if np.ptp(column) == 0:
            raise ValueError(
                f"column {_short(name)} of {path} is {column[0]:g} in every row; remove it, it has no information"
            )
    j = names.index(target)
    features = tuple(name for name in names if name != target)
    x, y = torch.from_numpy(np.delete(numbers, j, 1)), torch.from_numpy(numbers[:, j].copy())
    return Table(x, y, features, target, note=note)


def cells(path: Path | str, content: bytes, ends: str = ENDS, wanted: int | None = None) -> tuple[list[list[str]], str]:
    """Return the cells of all lines that are not empty, and the separator; `path` is for messages.

    Args:
        ends: possible separators; the first one is used if two give equally many columns.
        wanted: the number of columns, if it is known; a separator that gives it is used first.

    Raises:
        ValueError: the content is not the text of a CSV file.
    """
    text = _text(path, content)
    head = next((line for line in text.splitlines() if line.strip()), "")

    def fit(each: str) -> tuple[bool, int]:
        columns = len(next(csv.reader([head], delimiter=each), []))
        return columns == wanted, columns

    try:
        end = max(ends, key=fit)
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=end) if line]
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV ({error}); save it as CSV again") from None
    return lines or [[]], end


def _text(path: Path | str, content: bytes) -> str:
    for start, what in _OTHERS.items():
        if content.startswith(start):
            raise ValueError(f"{path} is {what}, not a CSV file; save the table as CSV")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # it accepts every byte: names may look wrong, but not numbers
    if "\0" in text:
        raise ValueError(f"{path} has bytes that are not text; save the table as CSV in UTF-8")
    return text


def _kept(path: Path, names: list[str], rows: list[list[str]]) -> tuple[list[int], str]:
    """Return the columns to read, and a note about a column that is left out."""
    kept, note = [], ""
    for j, name in enumerate(names):
        column = [row[j].strip() for row in rows]
        if not _UNNAMED.fullmatch(name):
            kept.append(j)
        elif any(column == [str(first + i) for i in range(len(rows))] for first in (0, 1)):
            note = f"column {j + 1} has no name and only counts the rows, so it is left out"
        elif name or any(column):
            raise ValueError(f"column {j + 1} of {path} has no name; give it one, or remove it")
    return kept, note


def with_points(path: Path | str, rows: list[list[str]], end: str) -> list[list[str]]:
    """Return the cells with points instead of decimal commas, which occur only if commas do not separate cells.

    Raises:
        ValueError: the numbers have points and commas.
    """
    if end == "," or not any(_COMMA.fullmatch(cell) for row in rows for cell in row):
        return rows
    if any(_POINT.fullmatch(cell) for row in rows for cell in row):
        raise ValueError(f"{path} has points and commas in its numbers; use only points, and no thousands separators")
    return [[cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in row] for row in rows]


def _row(path: Path, names: list[str], line: int, cells: list[str]) -> list[float]:
    made = []
    for name, cell in zip(names, cells, strict=True):
        if not cell:
            raise ValueError(f"line {line} of {path} has no value in column {_short(name)}; fill it or remove the row")
        try:
            made.append(float(cell))
        except ValueError:
            made.append(math.nan)
        if not math.isfinite(made[-1]):
            comma = _COMMA.fullmatch(cell)
            advice = "write a decimal point" if comma else "turn categories into numbers, or remove the column"
            raise ValueError(
                f"line {line} of {path}, column {_short(name)}, must be a finite number, got {_short(cell)}; {advice}"
            )
    return made


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _listed(names: list[str], wanted: str) -> str:
    """Return the names as text; if there are many, only those closest to the wanted one."""
    few = names if len(names) <= 12 else difflib.get_close_matches(wanted, names, n=3, cutoff=0) + ["..."]
    return ", ".join(name if len(name) <= 40 else f"{name[:37]}..." for name in few)
