"""Results that are kept by their configuration, so that a table that was interrupted goes on where it stopped."""

import json
from pathlib import Path
from typing import Any

from labkit import atomic

NAME = "results.jsonl"


class Store:
    """One line of JSON for each result, in a file of the folder; a line cut short by a kill is left out.

    Args:
        folder: made if it is not there.

    Raises:
        OSError: the folder cannot be made, or the file not be read.
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
            if text and not text.endswith("\n"):  # or the next line would be added to what was cut short
                atomic.append(self.path, "\n")

    def find(self, of: dict[str, Any]) -> Any | None:
        """What was found for this configuration, or None."""
        return self._known.get(_key(of))

    def add(self, of: dict[str, Any], found: Any) -> None:
        """Keep a result; it is on disk when this returns."""
        atomic.append(self.path, json.dumps({"of": of, "found": found}) + "\n")
        atomic.sync(self.path)
        self._known[_key(of)] = found


def _key(of: dict[str, Any]) -> str:
    return json.dumps(of, sort_keys=True)
