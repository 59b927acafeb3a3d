"""Files are written completely or not at all. A failure is a one-line error with the file and the free space."""

import errno
import gzip
import io
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from labkit import atomic
from labkit.cli import copies
from labkit.data import files, registry
from labkit.paint import save_gif, save_png
from labkit.paint.files import save_table
from labkit.reproduce.store import Store
from labkit.training import checkpoints
from labkit.training.folder import CsvLog, Folder

STATE = {"step": 3, "module": {"w": torch.zeros(200_000)}, "facts": {}}


def noise(seed=0, size=60):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8))


WRITES = {  # name of the file -> the function that writes it into a folder
    "step-000000003.pt": lambda folder: checkpoints.save(folder, STATE),
    "model.safetensors": lambda folder: atomic.write(folder / "model.safetensors", save(STATE["module"])),
    "epoch-0001.png": lambda folder: Folder(folder).sheet(np.asarray(noise()), 1),
    "metrics.csv": lambda folder: CsvLog(folder / "metrics.csv").add({"step": 1, "note": "x" * 9000}),
    "results.jsonl": lambda folder: Store(folder).add({"a": 1}, "x" * 9000),
    "a.png": lambda folder: save_png(noise(), folder / "a.png"),
    "a.gif": lambda folder: save_gif([noise(0), noise(1)], folder / "a.gif"),
    "a.csv": lambda folder: save_table(["x"], [["x" * 9000]], folder / "a.csv"),
    "a.npz": lambda folder: write_arrays(folder / "a.npz"),
    "a.bin": lambda folder: copies.refresh(folder / "shipped", folder / "mine"),
    "accepted.json": lambda folder: files.accept(b"", registry.File("x" * 9000), "mnist"),
}


def write_arrays(path):
    with atomic.replacing(path) as file:
        np.savez(file, a=np.arange(9000))


@pytest.mark.parametrize("name", WRITES)
def test_a_refused_write_gives_a_one_line_error_with_the_file(name, tmp_path, monkeypatch, no_file_above):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "a.bin").write_bytes(bytes(9000))
    with no_file_above(4096), pytest.raises(atomic.WriteError) as caught:
        WRITES[name](tmp_path)
    said = str(caught.value)
    assert re.match(rf"cannot write \S*{re.escape(name)}: File too large; .*ulimit -f", said) and "\n" not in said
    assert caught.value.errno == errno.EFBIG
    left = [path for path in tmp_path.rglob("*") if path.is_file() and "shipped" not in path.parts]
    assert [path.name for path in left] in ([], [name] if name in ("metrics.csv", "results.jsonl") else [])


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 200 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can make a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_named_with_its_free_space(small_disk):
    """98 kB are used, so 102 are free. The incomplete file is removed, and the old one stays."""
    old = checkpoints.save(small_disk, STATE | {"step": 1, "module": {}})
    (small_disk / "taken").write_bytes(bytes(96 * 1024))
    kept, free = old.read_bytes(), shutil.disk_usage(small_disk).free
    with pytest.raises(
        atomic.WriteError, match=r"step-000000003.pt: No space left on device, \S+ MB were free"
    ) as caught:
        checkpoints.save(small_disk, STATE)
    assert float(re.search(r"(\S+) MB", str(caught.value))[1]) == pytest.approx(free / 1e6, rel=0.01)
    assert {path.name for path in small_disk.iterdir()} == {"taken", old.name} and old.read_bytes() == kept


def test_a_missing_folder_and_a_folder_in_the_way_are_named(tmp_path):
    with pytest.raises(atomic.WriteError, match=r"cannot write .*none/a: No such file.*; make the folder .*none"):
        atomic.write(tmp_path / "none" / "a", "text")
    (tmp_path / "a").mkdir()
    with pytest.raises(atomic.WriteError, match=r"cannot write .*/a: Is a directory; name a file"):
        atomic.write(tmp_path / "a", "text")
    (tmp_path / "file").write_text("")
    with pytest.raises(atomic.WriteError, match=r"cannot write .*file/a: Not a directory"):
        atomic.write(tmp_path / "file" / "a", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "file"]


def test_another_error_in_the_block_is_not_changed(tmp_path):
    """An OSError from reading is not a failed write."""
    with pytest.raises(gzip.BadGzipFile), atomic.replacing(tmp_path / "a") as file:
        file.write(gzip.GzipFile(fileobj=io.BytesIO(b"no gzip")).read())
    assert os.listdir(tmp_path) == []
