"""Texts about runs: a table of runs, and the configuration of one. All text from files is escaped."""

import html
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit.experiments.runs import directory
from labkit.experiments.runs.directory import PREFIX, reason
from labkit.experiments.runs.meanings import meanings
from labkit.experiments.runs.state import RunState

STATUS = {"training": "training now", "stopped": "stopped", "done": "done"}
PARTS = {"facts": "data", "config": "network", "settings": "training"}  # parts of a configuration, with their headings
CALLED = {("config", "steps"): "steps (glimpses)", ("settings", "steps"): "steps (training)"}
KINDS = {
    "draw": "<b>DRAW</b>, which paints an image in steps, called glimpses",
    "vae": "a <b>VAE</b> (variational autoencoder), which makes an image from one random vector",
}
LONGEST = 300  # maximum length of a name or a value in a configuration
LOOK = """<style>
.rows { max-height: 15em; overflow: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 3px 8px 3px 3px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); }
td.number, th.number { text-align: right; }
td.number { white-space: nowrap; }
td.name { overflow-wrap: break-word; max-width: 16em; }
tr[aria-current] td { background: color-mix(in srgb, var(--mark) 14%, transparent); }
a { color: var(--mark); } a:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.training { font-weight: 600; }
.wrong { color: var(--ink); border-left: 4px solid #d55e00; padding: 2px 10px; margin: 4px 0; overflow-wrap: anywhere; }
p { margin: 4px 0; } code { overflow-wrap: anywhere; }
h3 { font-size: inherit; color: var(--soft); margin: 10px 0 3px; }
summary, .entry { display: grid; grid-template-columns: 1fr 1fr 12px; gap: 0 10px; padding: 3px;
  overflow-wrap: anywhere; border-bottom: 1px solid var(--line); }
summary { cursor: pointer; } summary:focus-visible { outline: 3px solid var(--mark); outline-offset: -2px; }
summary::after { content: "+" / ""; color: var(--soft); } [open] > summary::after { content: "−" / ""; }
details p { color: var(--soft); padding: 0 3px 4px; }
</style>"""
HEAD = (
    '<tr><th>run</th><th>state</th><th class="number">step</th><th class="number">test bound (nats)</th>'
    "<th>data</th></tr>"
)


def listing(runs: dict[str, RunState | str], chosen: str, now: float) -> str:
    """Return a table with one row per run, the chosen one marked, and a line per folder that cannot be read."""
    lines = {name: _line(name, run, name == chosen, now) for name, run in runs.items()}
    rows = "".join(line for line in lines.values() if line.startswith("<tr"))
    table = f'<div class="rows"><table>{HEAD}{rows}</table></div>' if rows else ""
    return LOOK + table + "".join(line for line in lines.values() if not line.startswith("<tr"))


def _line(name: str, run: RunState | str, chosen: bool, now: float) -> str:
    if isinstance(run, str):
        return _wrong(f"{name}: {run}")
    try:
        return _row(name, run, chosen, now)
    except Exception as error:  # a page cannot show these numbers; the other runs are shown
        return _wrong(f"{name}: {reason(error)}")


def _row(name: str, run: RunState, chosen: bool, now: float) -> str:
    status, bound = run.status(now), "" if run.bound is None else f"{run.bound:.2f}"
    here = ' aria-current="true"' if chosen else ""
    return (
        f'<tr{here}><td class="name"><a href="?run={quote(PREFIX + name, safe="")}">{html.escape(name)}</a></td>'
        f'<td class="{status}">{STATUS[status]}</td><td class="number">{progress(run)}</td>'
        f'<td class="number">{bound}</td><td class="name">{html.escape(run.data[:LONGEST])}</td></tr>'
    )


def progress(run: RunState) -> str:
    """Return the progress of a run."""
    return f"{run.step:,} of {run.steps:,}" if run.steps else f"{run.step:,}"


def _wrong(text: str) -> str:
    return f'<p class="wrong">{html.escape(text)}</p>'


def wrong(text: str) -> str:
    """Return an error message in a line."""
    return LOOK + _wrong(text)


def none_in(place: str) -> str:
    """Return a text for a directory without runs: its path, and how to make a run."""
    return LOOK + (
        f"<p>There is no run in <code>{html.escape(place)}</code> yet. To train a network in a minute or two, on "
        "images that come with labkit, press <b>Train one now</b>. (If labkit runs on another computer, the page asks "
        "for a key. The terminal of that computer shows it.) Or open a second terminal and "
        "run:</p><p><code>labkit "
        f'train draw --data digits --preset digits --out "{html.escape(place)}/draw-digits-digits"</code></p><p>The '
        "run appears here while it trains. To show the runs of another folder, start <code>labkit serve --runs "
        "FOLDER</code>.</p>"
    )


def example(runs: dict[str, RunState | str]) -> str:
    """Return a text about the shipped run that the page shows while there is no other."""
    return "".join(
        f"<p>Below is an example that comes with labkit, <b>{html.escape(name)}</b>. The same command made it. It "
        f"ended with a cost of {run.bound:.2f} nats per test image (the bound, explained below).</p>"
        for name, run in runs.items()
        if isinstance(run, RunState) and run.bound is not None
    )


def code(run: RunState, place: Path) -> str:
    """Return Python that reads a run of a folder, with the samples on screen."""
    example = place == directory.EXAMPLES
    where = f"directory.EXAMPLES / {run.name!r}" if example else f"Path({str(place / run.name)!r})"
    samples = f"runs.with_samples(state, {run.shown})" if run.shown else ""
    return "\n".join([
        *([] if example else ["from pathlib import Path", ""]),
        "from labkit.experiments import runs",
        *(["from labkit.experiments.runs import directory"] if example else []),
        "",
        f"state = runs.read({where})",
        *([f"state = {samples}  # state.sheet: the images"] if samples else []),
        "print(state.step, state.bound)",
        "",
    ])  # fmt: skip


def configuration(run: RunState) -> str:
    """Return the configuration of a run, one row per name."""
    known = meanings(run.kind)
    rows = "".join(f"<h3>{said}</h3>{_rows(part, shown(run, part), known[part])}" for part, said in PARTS.items())
    kind = KINDS.get(run.kind, html.escape(run.kind))
    return f"{LOOK}<p>Configuration of this run. Its network: {kind}. Open a row to read its meaning.</p>{rows}"


def shown(run: RunState, part: str) -> dict[str, Any]:
    """Return a part of a configuration; settings of training say whether epochs or steps count."""
    found: dict[str, Any] = dict(run.config[part])
    if part == "settings" and found.get("steps") and "epochs" in found:
        found["epochs"] = f"{_said(found['epochs'])} (not used, because steps is set)"
    return found


def _rows(part: str, config: dict[str, Any], known: dict[str, str]) -> str:
    """Return a row for each name; one with a meaning opens it, also by a finger and by the Enter key."""
    found = []
    for name, value in config.items():
        called = CALLED.get((part, name), name)[:LONGEST]
        cells = f"<span>{html.escape(called)}</span><span>{html.escape(_said(value)[:LONGEST])}</span>"
        meaning = html.escape(known.get(name, ""))
        found.append(
            f"<details><summary>{cells}</summary><p>{meaning}</p></details>"
            if meaning
            else f'<div class="entry">{cells}</div>'
        )
    return "".join(found)


def explained(run: RunState) -> str:
    """Return what the pictures of a run show, as HTML."""
    vae = run.kind == "vae"
    said = [
        "<b>What you see.</b> The bound is the cost of an image in nats, the unit of natural logarithms; lower is "
        "better. (On /dreg it has the opposite sign, so higher is better.) The cost is low if the network gives the "
        "image a high probability. The line shows images of the training, the points test images, which the training "
        "does not use. An epoch is one pass over the training images."
    ]
    if "lx" in run.metrics and "lz" in run.metrics:
        said.append(
            "The bound has two parts. Lx is the cost of wrong pixels. Lz is the cost of the latents, the random "
            "vectors z that decide what the network draws: it is 0 if they decide nothing."
        )
        warmup = run.config["settings"].get("warmup")
        if isinstance(warmup, int) and warmup > 0:
            said.append(
                f"Up to step {warmup:,} (the warmup), the training counts a growing part of Lz, from nothing to all. "
                "So Lz first rises and then falls, and Lx rises in exchange."
            )
    if run.config["settings"].get("ema"):
        said.append("The points use averaged weights of the network, so they may be below the line.")
    if len(run.kl()) and run.kl().shape[1] > 1:
        part = "layer of latents" if vae else "glimpse, a step of a drawing"
        said.append(f"KL (last picture) is the part of Lz that belongs to one {part}.")
    said.append('<a href="./guide/training#read-the-curves">More in the guide</a>')
    return f"<p>{' '.join(said)}</p>"


def _said(value: Any) -> str:
    return value if isinstance(value, str) else "-" if value is None else json.dumps(value)


def opens(name: str) -> str:
    """Return a link to the page that shows the run's network."""
    where = f"./draw?model={quote(PREFIX + name, safe='')}"
    return f'{LOOK}<p><a href="{where}">Open this network in /draw</a></p>'
