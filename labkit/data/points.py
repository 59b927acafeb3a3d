"""Points from a small CSV file: two columns for a regression, three for a classification; names may come first."""

import math

from labkit.data.spreadsheets import cells, with_points

MOST = 400  # points


def from_text(name: str, content: bytes, columns: int, words: str) -> list[list[str]]:
    """Return the cells of each row, without the line of names, with points as decimal signs.

    Args:
        name: of the file, for messages.
        columns: their number.
        words: what they are.

    Raises:
        ValueError: the file is not text, or has another number of columns, or too many rows.
    """
    rows, end = cells(name, content, ";\t,", columns)  # without names, 1;2,5 has a decimal comma
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise ValueError(f"{name} is empty; it needs {columns} columns: {words}")
    for i, row in enumerate(rows, 1):
        if len(row) != columns:
            raise ValueError(f"row {i} of {name} must have {columns} columns ({words}), got {len(row)}; correct it")
    rows = with_points(name, rows, end)
    if not is_number(rows[0][0]):
        rows = rows[1:]
    if len(rows) > MOST:
        raise ValueError(f"{name} has {len(rows):,} points, at most {MOST} are read; leave some out")
    return rows


def number(name: str, row: int, column: int, cell: str) -> float:
    """Return the number in a cell.

    Raises:
        ValueError: it is not a finite number of a usual size.
    """
    if not is_number(cell):
        short = cell if len(cell) <= 20 else cell[:17] + "..."
        raise ValueError(f"point {row} of {name}, column {column}, must be a number, got {short!r}; correct it")
    return float(cell)


def is_number(cell: str) -> bool:
    """Return whether a cell has a finite number below 1e12."""
    try:
        value = float(cell)
    except ValueError:
        return False
    return math.isfinite(value) and abs(value) < 1e12
