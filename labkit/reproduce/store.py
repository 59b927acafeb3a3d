"""Stores each result with its configuration, so that an interrupted table can be continued."""

import json
from pathlib import Path
from typing import Any

from labkit import atomic

NAME = "results.jsonl"


class Store:
    """A file in a folder with one line of JSON for each result. Incomplete lines of a killed process are ignored.

    Args:
        folder: created if it does not exist.

    Raises:
        OSError: the folder cannot be created, or the file cannot be read.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self._known = folder / NAME, {}
        if self.path.exists():
            text = self.path.read_text(encoding="utf-8")
            for line in text.splitlines():
                try:
                    row = json.loads(line)
                    self._known[_key(row["of"])] = row["found"]
                except (ValueError, KeyError, TypeError):
                    continue
            if text and not text.endswith("\n"):  # otherwise the next result would join the incomplete line
                atomic.append(self.path, "\n")

    def find(self, of: dict[str, Any]) -> Any | None:
        """Return the result for this configuration, or None."""
        return self._known.get(_key(of))

    def add(self, of: dict[str, Any], found: Any) -> None:
        """Store a result. It is on disk when this returns."""
        atomic.append(self.path, json.dumps({"of": of, "found": found}) + "\n")
        atomic.sync(self.path)
        self._known[_key(of)] = found


def _key(of: dict[str, Any]) -> str:
    return json.dumps(of, sort_keys=True)
