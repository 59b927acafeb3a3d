"""Messages of browsers: JSON objects, which any program can send."""

import json
from typing import Any

LONGEST = 20_000  # bytes of a message


def read(body: str | bytes, longest: int = LONGEST) -> dict[str, Any]:
    """Return the object of a message; an empty one if the message is too long or is not an object."""
    if len(body) > longest:
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
