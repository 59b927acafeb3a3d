"""Prints hashes of what labkit computes and shows at fixed seeds, to compare two checkouts.

    python tests/moves.py > before.txt        # in one checkout
    python tests/moves.py > after.txt         # in the other checkout
    diff before.txt after.txt

Hashes depend on the machine: compare two runs on the same one. Timings are left out. Not collected by pytest. The
order of a Bokeh model's events follows Python's hashes, which therefore have one seed here.
"""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ["OMP_NUM_THREADS"] = "1"
TIMED = re.compile(r"seconds|steps/s|rate|time", re.IGNORECASE)  # columns that differ from run to run

COMMANDS = {
    "svgd mixture": "svgd --particles 60 --steps 80 --csv p.csv --curves c.csv --png p.png --gif g.gif",
    "svgd banana": "svgd --target banana --kernel imq --optimizer adam --steps 60 --csv p.csv --png p.png",
    "svgd normal": "svgd --target normal --param dim=8 --kernel per-dimension --steps 40 --csv p.csv --curves c.csv",
    "svgd logistic": "svgd --target logistic --particles 30 --steps 30 --csv p.csv --curves c.csv",
    "dreg variance": "dreg variance --replicates 200 --out out",
    "dreg bias": "dreg bias --estimators stl,iwae --replicates 2000 --out out",
    "dreg race": "dreg race --estimators iwae,dreg@8 --steps 60 --out out",
    "sample": "sample draw-small --out s.gif --seed 3",
    "sample png": "sample draw-small-labels --label 4 --out s.png --seed 3",
    "sample vae": "sample vae-mnist --out s.png --seed 3",
    "reproduce gmm": "reproduce gmm",
    "reproduce mvn": "reproduce mvn",
}


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    for name, value in chain(commands(), tabs()):
        print(f"{hashlib.sha256(value).hexdigest()[:16]}  {name}", flush=True)


def commands() -> Iterator[tuple[str, bytes]]:
    """Every file that the commands write, and the tables of `reproduce`."""
    for name, words in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
            code = "import sys; from labkit.cli import main; sys.exit(main())"
            done = subprocess.run(
                [sys.executable, "-c", code, *words.split()],
                cwd=folder, env=environment, capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode:
                yield f"{name}: exit code {done.returncode}", done.stderr.encode()
            if name.startswith("reproduce"):
                kept = [line for line in done.stdout.splitlines() if not TIMED.search(line)]
                yield name, re.sub(r"\d+(\.\d+)? s\b", "", "\n".join(kept)).encode()
                continue
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    yield f"{name}: {file.relative_to(folder)}", contents(file)


def contents(file: Path) -> bytes:
    """The bytes of a file; for a table, without the columns of timings."""
    if file.suffix != ".csv":
        return file.read_bytes()
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    kept = [i for i, name in enumerate(rows[0]) if not TIMED.search(name)]
    return "\n".join(",".join(row[i] for i in kept) for row in rows).encode()


def tabs() -> Iterator[tuple[str, bytes]]:
    """The Bokeh document of every picture of each tab at the start, and its columns after three steps."""
    import holoviews as hv
    import panel as pn

    pn.extension()
    hv.extension("bokeh")
    for name, live in lives():
        live.run.speed = 1e6
        for _ in range(3):
            number = live.run.frame.number
            live.run.once()
            wait(lambda live=live, number=number: live.run.frame.number > number)
        live.run.past(lambda past: None)
        _, columns = live.run.frame.content
        for i, (stage, arrays) in enumerate(zip(live.stages, columns, strict=True)):
            yield f"{name}: picture {i}", document(stage.pane).encode()
            yield f"{name}: columns {i}", b"".join(column(arrays))
        live.close()


def wait(done) -> None:
    deadline = time.monotonic() + 120
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def column(arrays: dict) -> Iterator[bytes]:
    """The names and values of a picture's columns, in the order of their names."""
    import numpy as np

    for layer in sorted(arrays):
        for name, values in sorted(arrays[layer].items()):
            yield f"{layer} {name} ".encode()
            yield np.asarray(values).tobytes() if np.asarray(values).dtype != object else repr(values).encode()


def document(pane) -> str:
    """The pane's Bokeh models as JSON, with ids counted in the order in which they are met."""
    from bokeh.document import Document

    made = Document()
    made.add_root(pane.get_root())
    text = json.dumps(made.to_json(deferred=False), sort_keys=True, default=str)
    text = re.sub(r'"([A-Z]\w*?)\d{5}"', r'"\1"', text)  # Panel counts what it has made in the names
    seen: dict[str, str] = {}
    return re.sub(r'"(p\d+|[0-9a-f]{8}-[0-9a-f-]{27})"', lambda m: seen.setdefault(m[1], f'"id{len(seen)}"'), text)


def lives() -> Iterator[tuple[str, object]]:
    """Every tab's live view with default settings."""
    import labkit
    from labkit.experiments.dreg.network import NetworkSettings
    from labkit.experiments.svgd import particles
    from labkit.views import draw, dreg, svgd

    yield "svgd particles", svgd.ParticlesScene(particles.ParticlesSettings(), play=False).live
    yield "svgd banana", svgd.ParticlesScene(particles.ParticlesSettings(target="banana"), play=False).live
    for kind in (svgd.RegressionScene, svgd.ClassificationScene, svgd.CollapseScene):
        yield f"svgd {kind.__name__}", kind().live
    scenes = dreg.VarianceScene, dreg.MicroscopeScene, dreg.BiasScene, dreg.AlphaScene
    for name, kind in zip(("Variance", "Microscope", "BiasMeter", "AlphaDial"), scenes, strict=True):
        yield f"dreg {name}", kind().live
    yield "dreg Network", dreg.NetworkScene(NetworkSettings({"vae-mnist": "vae-mnist"})).live
    for name, kind in (
        ("Generate", draw.GenerateScene), ("Read", draw.ReadScene), ("Lab", draw.AttentionScene),
        ("Resample", draw.ResampleScene), ("Change", draw.TraverseScene), ("Interpolate", draw.InterpolateScene),
    ):  # fmt: skip
        yield f"draw {name}", kind(labkit.load_checkpoint("draw-small")).live
    yield "draw Learn", draw.LearnScene(labkit.load_checkpoint("draw-digits")).live


if __name__ == "__main__":
    main()
