"""`labkit svgd`: its run equals that of the library, its files contain the states, and wrong calls print one line."""

import base64
import csv
import gzip
import json
import os
import re
import signal
import struct
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labkit import svgd, targets
from labkit.cli import main
from labkit.cli.svgd import asked
from labkit.cli.svgd import run as command
from labkit.experiments.svgd import ParticlesSettings
from labkit.paint import files

SHORT = ["svgd", "--particles", "20", "--steps", "30"]


def table(path):
    header, *rows = csv.reader(path.read_text().splitlines())
    return header, [[float(v) for v in row] for row in rows]


def run(steps, **settings):
    """The states of the same run, computed by hand."""
    experiment = ParticlesSettings(n=20, **settings)
    states = [experiment.start()]
    for _ in range(steps):
        states.append(experiment.step(states[-1]))
    return states


# the run


def test_the_particles_equal_those_of_the_experiment(tmp_path, capsys):
    """Start at -10 on the line; the file has one row per particle, equal to the last bit."""
    assert main([*SHORT, "--csv", str(tmp_path / "x.csv")]) == 0
    state = run(30)[-1]
    header, rows = table(tmp_path / "x.csv")
    assert header == ["particle", "x1", "score1", "phi1"]
    assert [row[1] for row in rows] == state.x[:, 0].tolist()
    assert [row[3] for row in rows] == state.phi[:, 0].tolist()
    assert "x.csv (" in capsys.readouterr().out


def test_a_run_keeps_the_states_whose_density_is_shown_at_earlier_steps():
    past, _ = command.play(ParticlesSettings(n=3), 51, [])
    assert sorted(past.pinned) == [0, 50]


def test_the_table_compares_the_particles_with_the_exact_moments(capsys):
    assert main([*SHORT, "--target", "banana"]) == 0
    state, target = run(30, target="banana", begin_mean=0.0)[-1], targets.make("banana")
    said = capsys.readouterr()
    assert said.err == "" and "banana: 20 particles, 30 steps" in said.out
    lines = {" ".join(words[:-2]): words[-2:] for words in map(str.split, said.out.splitlines()) if len(words) > 2}
    assert lines["KSD (run's kernel)"] == [f"{float(state.ksd):.4g}", "0"]
    for i in range(2):
        assert lines[f"mean of x{i + 1}"] == [f"{state.x[:, i].mean():.3f}", f"{target.mean[i]:.3f}"]
        variance = state.x[:, i].var(correction=0)
        assert lines[f"variance of x{i + 1}"] == [f"{variance:.3f}", f"{target.covariance[i, i]:.3f}"]
    assert f"{float(state.bandwidth):.4g}" in said.out


def test_a_classifier_is_evaluated_by_its_accuracy(capsys):
    assert main([*SHORT, "--target", "logistic", "--steps", "5"]) == 0
    state = run(5, target="logistic", begin_mean=0.0, begin_scale=0.1)[-1]
    said = capsys.readouterr().out
    assert f"{float(targets.make('logistic').accuracy(state.x)):.1%}" in said and "variance" not in said


def test_every_option_reaches_the_run(tmp_path):
    line = ["--start", "uniform", "--kernel", "imq", "--bandwidth", "0.7", "--optimizer", "adam", "--step-size", "3"]
    line += ["--temper", "linear", "--seed", "12345", "--param", "curvature=-0.5", "--param", "width=1"]
    assert main([*SHORT, "--target", "banana", *line, "--csv", str(tmp_path / "x.csv")]) == 0
    target = targets.make("banana", curvature=-0.5, width=1.0)
    beyond = {"seed": 12345, "step_size": 3.0}  # the sliders of a page end before these values
    experiment = asked.experiment(
        {"target": "banana", "n": 20, "begin": "uniform", "kernel": "imq", "optimizer": "adam", "temper": "linear"}
        | {"bandwidth": "fixed", "length": 0.7}
        | beyond,
        ["curvature=-0.5", "width=1"],
        "cpu",
    )
    state = svgd.start(experiment.particles(), experiment.score(), kernel=svgd.IMQ(), bandwidth=0.7)
    for _ in range(30):
        step = {"kernel": svgd.IMQ(), "bandwidth": 0.7, "optimizer": svgd.Adam(3.0)}
        state = svgd.step(state, targets.Annealed(target, targets.linear_schedule(500)), **step)
    assert [row[1:3] for row in table(tmp_path / "x.csv")[1]] == state.x.tolist()


def test_the_mixture_takes_its_modes_from_the_command_line():
    modes = {"means": [-1, 0, 1], "weights": [1 / 3] * 3}
    assert asked._parameters("mixture", ["means=-1,0,1"]) == {**modes, "shape": {}}
    assert asked._parameters("star", ["arms=4"]) == {"shape": {"arms": 4}}


# the files


@pytest.mark.slow
def test_an_animation_has_a_frame_for_each_thinned_state_and_the_picture_is_its_end(tmp_path):
    files = [f"--{kind}={tmp_path / f'run.{kind}'}" for kind in ("gif", "png")]
    assert main([*SHORT, "--target", "banana", "--arrows", "--dark", *files]) == 0
    with Image.open(tmp_path / "run.gif") as gif:
        assert gif.n_frames == 31
        gif.seek(30)
        last = gif.convert("RGB")
    still = Image.open(tmp_path / "run.png")
    assert last.size == still.size == (960, 540) and max(still.getpixel((1, 1))) < 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.gif", "run.png"]


@pytest.mark.slow
def test_a_web_page_has_every_state_and_all_numbers_as_curves(tmp_path):
    """What `--curves` writes as a table is drawn: three pictures next to the particles."""
    file = tmp_path / "run.html"
    assert main([*SHORT, "--target", "banana", "--html", str(file)]) == 0
    packed = re.search(r'id="recording">([^<]*)<', file.read_text(encoding="utf-8"))[1]
    found = gzip.decompress(base64.b64decode(packed))
    (size,) = struct.unpack_from("<I", found)
    declared = json.loads(found[4 : 4 + size])
    assert len(declared["pictures"]) == 4 and len(re.findall(rb'"number":\d+', found[4 + size :])) == 31


@pytest.mark.slow
def test_arrows_are_drawn_only_on_request(tmp_path):
    for name, more in (("with", ["--arrows"]), ("without", [])):
        assert main([*SHORT, "--target", "banana", *more, "--png", str(tmp_path / f"{name}.png")]) == 0
    purple = {}
    for name in ("with", "without"):
        pixels = np.asarray(Image.open(tmp_path / f"{name}.png")).astype(int)[120:, :480]  # below the legend
        purple[name] = (abs(pixels - (204, 121, 167)).sum(2) < 40).sum()
    assert purple["with"] > 100 > 10 > purple["without"]


def test_curves_have_a_row_for_each_kept_step(tmp_path):
    assert main([*SHORT, "--curves", str(tmp_path / "c.csv")]) == 0
    header, rows = table(tmp_path / "c.csv")
    moments = [f"Error of the moments: {what}" for what in ("mean", "variance")]
    states = run(30)
    h = svgd.median_bandwidth(states[0].x)
    fixed = f"Stein discrepancy: KSD (fixed kernel, h = {h:.3g})"
    values = [fixed, "Stein discrepancy: KSD", "Bandwidth: h", *moments]
    of_all = [f"{name}, {what}" for name in values for what in ("mean", "least", "greatest")]
    assert header == ["step", *values, "steps", *of_all]
    assert [row[0] for row in rows] == list(range(31))
    found = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    assert found["Bandwidth: h"] == [float(state.bandwidth) for state in states]
    target = targets.make("mixture")
    wanted = [float(svgd.ksd(state.x, target, bandwidth=float(h))) for state in states]
    assert found[fixed] == found["Stein discrepancy: KSD"] == pytest.approx(wanted, rel=1e-5)
    assert states[-1].ksd.item() != pytest.approx(wanted[-1], rel=1e-3)  # the value under the run's kernel


# Ctrl-C


@pytest.mark.slow
def test_ctrl_c_ends_the_run_and_writes_the_requested_files(tmp_path, monkeypatch, capsys):
    whole = ParticlesSettings.step

    def step(self, state):
        if state.t == 7:
            raise KeyboardInterrupt
        return whole(self, state)

    monkeypatch.setattr(ParticlesSettings, "step", step)
    assert main([*SHORT, "--csv", str(tmp_path / "x.csv"), "--gif", str(tmp_path / "x.gif")]) == 0
    assert "7 steps of 30 (stopped early)" in capsys.readouterr().out
    assert [row[1] for row in table(tmp_path / "x.csv")[1]] == run(7)[-1].x[:, 0].tolist()
    assert Image.open(tmp_path / "x.gif").n_frames == 8


@pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself Ctrl-C there")
def test_a_signal_first_lets_the_step_finish_and_then_has_its_usual_effect(tmp_path, monkeypatch, capsys):
    whole, before = ParticlesSettings.step, signal.getsignal(signal.SIGINT)

    def step(self, state):
        if state.t == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return whole(self, state)

    monkeypatch.setattr(ParticlesSettings, "step", step)
    assert main(SHORT) == 0
    assert "8 steps of 30 (stopped early)" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


# wrong calls


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--target banan", "did you mean banana?"),
        ("--target zzzzzz", "choose one of mixture, normal"),
        ("--kernel rfb", "no kernel is called 'rfb'; did you mean rbf?"),
        ("--kernel rbf-fused", "no kernel is called"),
        ("--bandwidth medan", "did you mean median?"),
        ("--bandwidth 0", "bandwidth must be > 0 and finite, got 0"),
        ("--bandwidth nan", "bandwidth must be > 0 and finite, got nan"),
        ("--bandwidth fixed", "--bandwidth 0.5"),
        ("--optimizer sgd", "no optimizer is called"),
        ("--temper off", "no tempering is called"),
        ("--start norml", "did you mean normal?"),
        ("--start target --target funnel --particles 0", "labkit svgd --help"),
        ("--start target --target logistic", "has no sampler to start from"),
        ("--step-size 0", "step size must be > 0 and finite, got 0"),
        ("--step-size -1", "step size must be > 0 and finite, got -1"),
        ("--step-size inf", "step size must be > 0 and finite, got inf"),
        ("--step-size big", "labkit svgd --help"),
        ("--start-mean nan", "start mean must be finite"),
        ("--start-scale 0", "start scale must be > 0"),
        ("--steps -1", "labkit svgd --help"),
        ("--particles 2.5", "labkit svgd --help"),
        ("--device tpu", "device must be"),
        ("--param means", "needs NAME=VALUE"),
        ("--param mean=1", "did you mean means?"),
        ("--param means=1,b", "'b' is not a number"),
        ("--param weights=.5,.6", "weights must"),
        ("--target star --param arms=2.5", "whole number"),
        ("--target standard --param dim=2", "standard has no parameters"),
        ("--target banana --param width=-1", "width"),
        ("--target logistic --kernel preconditioned", "kernel needs a known covariance"),
        ("--seed 18446744073709551616", "seed must be at most"),
        ("--target banana --optimizer plain --step-size 1e9", "the score at step"),
    ],
)
def test_a_wrong_call_prints_one_line_and_exits_with_2(line, said, capsys):
    assert main([*SHORT, *line.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and said in captured.err


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["--gif", "run.mp4"], "ends in .gif, got run.mp4"),
        (["--html", "run.htm"], "ends in .html, got run.htm"),
        (["--curves", "c.txt"], "--curves needs a path that ends in .csv"),
        (["--png", "missing/a.png"], "create it, or choose another folder"),
        (["--csv", "file/a.csv"], "cannot write"),
        (["--csv", "folder.csv"], "is a folder"),
        (["--csv", "a.csv", "--curves", "./a.csv"], "the same name"),
    ],
)
def test_a_path_that_cannot_be_written_is_found_before_the_run(files, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ParticlesSettings, "start", lambda self: pytest.fail("the run began"))
    Path("file").write_text("in the way")
    Path("folder.csv").mkdir()
    assert main([*SHORT, *files]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and said in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]


def test_a_disk_error_after_the_run_prints_one_line(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "save_table", full)
    assert main([*SHORT, "--csv", str(tmp_path / "x.csv")]) == 2
    assert "No space left" in capsys.readouterr().err


def test_the_help_names_every_choice(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["svgd", "--help"]) == 0
    said = capsys.readouterr().out
    names = [ParticlesSettings.param[name].objects for name in ("kernel", "temper", "begin")]
    choices = [*chain.from_iterable(names), *svgd.OPTIMIZERS, *svgd.RULES, *targets.TARGETS]
    assert [name for name in choices if name not in said] == []
