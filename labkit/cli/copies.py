"""Copies of shipped files for the reader. An update never overwrites a file that the reader has changed.

A manifest in the folder holds the checksum of every file as it was shipped. A copy with this checksum is unchanged, and
the new version replaces it. Every other copy stays as it is.
"""

import hashlib
import json
import shutil
from pathlib import Path

from labkit import atomic

MANIFEST = ".labkit.json"


def refresh(shipped: Path, folder: Path) -> dict[str, list[str]]:
    """Update `folder` from the files of `shipped`; return their names under new, updated, same and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    known = _read(folder / MANIFEST)
    done: dict[str, list[str]] = {"new": [], "updated": [], "same": [], "kept": []}
    for source in sorted(shipped.rglob("*")):
        name = source.relative_to(shipped)
        if source.is_dir() or any(part.startswith((".", "__")) for part in name.parts):
            continue
        fate = _fate(source, folder / name, known.get(name.as_posix()))
        done[fate].append(name.as_posix())
        if fate in ("new", "updated"):
            _copy(source, folder / name)
        if fate != "kept":
            known[name.as_posix()] = _checksum(source)
    atomic.write(folder / MANIFEST, json.dumps(known, indent=1))
    return done


def _fate(source: Path, copy: Path, shipped_then: str | None) -> str:
    if not copy.exists():
        return "new"
    mine = _checksum(copy)
    if mine == _checksum(source):
        return "same"
    return "updated" if mine == shipped_then else "kept"


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(manifest: Path) -> dict[str, str]:
    """Return the checksums of the manifest; none if it is missing or damaged, so that every copy is kept."""
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(target, source.read_bytes())
    shutil.copymode(source, target)
