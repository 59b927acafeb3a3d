"""Every block of Python and every command in README and guide runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from labkit.cli import app

sys.path.insert(0, str(Path(__file__).parent))

from documents import CONTRIBUTING, PAGES, README, blocks, commands

TEXTS = {"README": README, **PAGES}
BLOCKS = {name: found for name, file in TEXTS.items() if (found := blocks(file))}
EVERY = dict.fromkeys(words for file in (*TEXTS.values(), CONTRIBUTING) for words in commands(file))
PLACES = {
    "FOLDER": "runs/draw-digits-digits",
    "FILE": "file.csv",
    "FILE.gif": "file.gif",
    "COLUMN": "price",
    "MODEL": "vae-mnist",
}
# Options that make a command short: those of the longest beginning that fits. None: it is read, but not run.
SHORT: dict[str, str | None] = {
    "bench": None,  # minutes; tests/bench runs them
    "data fetch": None,  # needs the network
    "lab": None,  # does not end
    "serve": None,  # does not end
    "dreg": "--samples 4",
    "dreg variance": "--samples 4 --replicates 40",
    "dreg bias": "--samples 4 --replicates 64",
    "dreg race": "--samples 2 --batch 4 --steps 1",
    "evaluate": "--samples 2 --images 4",
    "reproduce covertype": None,  # fits five logistic regressions to 317,640 rows; tests/reproduce has a small one
    "reproduce gmm": None,  # it takes all steps of the figure; tests/cli runs it without the animation
    "reproduce gmm-mse": None,  # many runs; tests/reproduce has a small one
    "reproduce mvn": "--steps 2",
    "reproduce uci": "--splits 1 --steps 2",
    "sample": "--n 2",
    "svgd": "--steps 2",
    "train draw": "--steps 2 --eval-every 0",
    "train vae": "--steps 2 --eval-every 0",
}


def bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command without the user's file before it."""
    return words[2:] if words[0] == "--use" else words


def shortened(words: tuple[str, ...]) -> str | None:
    """Return the options that make a command short, None if it is not run here."""
    words = bare(words)
    if len(words) == 1 or "--help" in words:  # the name of a command, or its help, which tests/cli reads
        return None
    fitting = [key for key in SHORT if f"{' '.join(words)} ".startswith(f"{key} ")]
    return SHORT[max(fitting, key=len)] if fitting else ""


MINE = """
from labkit import targets

targets.register("ring", targets.from_log_prob(lambda x: -((x.norm(dim=-1) - 2) ** 2) / 0.18, dim=2))
"""
RUN = [words for words in EVERY if shortened(words) is not None]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_command_and_its_options_exist(words):
    """Typer reads the whole line, and nothing runs."""
    command = typer.main.get_command(app)
    line = [word for word in bare(words) if word != "--help"]
    with command.make_context("labkit", line) as context:
        name, inner, rest = command.resolve_command(context, line)
        if rest:
            inner.make_context(name, rest, parent=context)


@pytest.fixture(scope="module")
def results(python, tmp_path_factory):
    """The results of all blocks and commands, run once in one process and one folder."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "file.csv").write_text("rooms,price\n" + "".join(f"{i},{100 * i + i % 3}\n" for i in range(1, 31)))
    (folder / "mine.py").write_text(MINE)
    lines = [[*(PLACES.get(word, word) for word in words), *shortened(words).split()] for words in RUN]
    script = Path(__file__).with_name("run_documents.py")
    wanted = json.dumps({"blocks": list(BLOCKS.items()), "commands": lines})
    env = os.environ | {"COLUMNS": "150", "OMP_NUM_THREADS": "1", "LABKIT_CACHE": os.environ.get("LABKIT_CACHE", "")}
    done = subprocess.run([*python, str(script)], input=wanted, capture_output=True, text=True, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return found["blocks"], dict(zip(RUN, found["commands"], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
def test_the_blocks_of_a_document_run_one_after_the_other(name, results):
    skip_without_data(results[0][name])
    assert results[0][name] == ""


@pytest.mark.slow
@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_a_command_runs(words, results):
    code, said = results[1][words]
    skip_without_data(said)
    assert code == 0, said


def skip_without_data(said: str) -> None:
    """Skip where a data set is not on this machine."""
    if "run `labkit data fetch" in " ".join(said.split()):
        pytest.skip(said.strip().splitlines()[-1])
