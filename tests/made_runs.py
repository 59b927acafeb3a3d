"""Folders of training runs, created without training; see the fixtures `made_runs` and `run_folder`."""

import csv
import json

import numpy as np
from PIL import Image

CONFIG = {
    "kind": "draw",
    "config": {"steps": 3},
    "facts": {"data": "made up"},
    "settings": {"epochs": 10, "steps": None, "batch_size": 50},
}
OLD = 1_000_000.0  # seconds since 1970


def rows(name, folder, table):
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, table, lineterminator="\n")
        writer.writeheader()
        writer.writerows(dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True))


def decay(step):
    """A bound that begins near 540 nats and ends near 90."""
    return 90 + 450 * np.exp(-np.asarray(step) / 20)


def trained(folder, records=60, epochs=(2, 4, 5), config=CONFIG):
    """A run's folder: a record every 10 steps, 120 steps per epoch. KL of glimpse t at epoch e is t + e / 100."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    step = 10 * np.arange(1, records + 1)
    lz = np.full(records, 20.0)
    bound = decay(step)
    rows("metrics.csv", folder, {
        "step": step, "epoch": -(-step // 120), "bound": bound, "lx": bound - lz, "lz": lz, "seconds": 0.5 * step / 10,
    })  # fmt: skip
    e = np.array(epochs)
    kl = {f"kl_{t}": t + e / 100 for t in (1, 2, 3)}
    test = {"bound": decay(120 * e) + 1, "lx": decay(120 * e) - 19, "lz": 0 * e + 20}
    rows("epochs.csv", folder, {"step": 120 * e, "epoch": e, **test, **kl})
    (folder / "samples").mkdir()
    for epoch in epochs:
        Image.fromarray(np.full((12, 16), epoch, np.uint8)).save(folder / "samples" / f"epoch-{epoch:04d}.png")
    return folder


def spoiled(path, content):
    """A file with other bytes; a number means that many zeros, which take no space on the disk."""
    with path.open("wb") as file:
        file.truncate(content) if isinstance(content, int) else file.write(content)
