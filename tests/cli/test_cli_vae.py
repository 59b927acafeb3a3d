"""`labkit train vae`, `evaluate` and `sample`, and the run on /runs; wrong calls print one line."""

import json
import math
import shutil
import signal
from dataclasses import replace

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import labkit
from labkit import dreg, models
from labkit.cli import main, watch
from labkit.experiments import runs
from labkit.experiments.runs import directory
from labkit.views import sheets
from labkit.views.runs import KLHeatmap, scene

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("heard")]  # whole scenes and commands

TINY = ["train", "vae", "--data", "digits", "--preset", "small", "--samples", "4", "--batch", "50"]
TINY += ["--devices", "cpu", "--steps", "20"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a complete tiny run."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*TINY, "--out", str(folder)]) == 0
    return folder


def told(capsys) -> dict[str, str]:
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    return {" ".join(words[:-1]): words[-1] for words in lines}


# training


def test_a_run_is_a_network_with_its_estimator_on_its_card(run):
    config = json.loads((run / "config.json").read_text())
    assert config["kind"] == "vae" and (config["config"]["height"], config["config"]["latent"]) == (8, [10])
    card, model = models.card(run), labkit.load_checkpoint(run)
    assert isinstance(model, dreg.VAE) and not model.training
    assert (card["estimator"], card["samples"], card["data"]) == ("dreg", "4", "digits")
    assert model.mean.std() > 0.1  # it started at the images' mean


@pytest.mark.parametrize("estimator", ["dreg", "dreg-cv"])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(estimator, tmp_path, monkeypatch, rows):
    """The same bits, also for the control variates."""
    own = ["--estimator", estimator]
    assert main([*TINY, *own, "--out", str(tmp_path / "whole")]) == 0
    tell = watch._tell

    def press(record, task):
        tell(record, task)
        if record.step == 10:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(watch, "_tell", press)
    monkeypatch.setattr("labkit.cli.keepsakes.write", lambda folder: None)
    assert main([*TINY, *own, "--out", str(tmp_path / "a")]) == 130
    assert main(["train", "--resume", str(tmp_path / "a")]) == 0
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "a"))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert rows(tmp_path / "a" / "epochs.csv") == rows(tmp_path / "whole" / "epochs.csv")
    assert any(name.startswith("controls") for name in one) is (estimator == "dreg-cv")


def test_inference_only_fixes_the_generative_half_of_a_trained_network(run, tmp_path, capsys):
    """Another estimator and control variates may train its q; without a checkpoint the fixed half would be lost."""
    for estimator in ("iwae", "dreg-cv"):
        out = tmp_path / estimator
        assert main([*TINY, "--estimator", estimator, "--inference-only", str(run), "--out", str(out)]) == 0
        before, after = load_file(run / "model.safetensors"), load_file(out / "model.safetensors")
        held = [name for name in before if name.startswith(("p.", "pixels.", "mean"))]
        assert held and all(torch.equal(before[name], after[name]) for name in held)
        assert not torch.equal(before["q.0.net.0.weight"], after["q.0.net.0.weight"])
    shutil.rmtree(out / "checkpoints")
    assert main(["train", "--resume", str(out)]) == 2
    assert "has no checkpoint, and --inference-only needs one" in capsys.readouterr().err


# evaluation and samples


def test_evaluate_prints_the_bound_by_layer_and_log_p(run, capsys, rows):
    """Means of 60 images: one more sample of each changes the bound only slightly, and more samples lower -log p(x)."""
    assert main(["evaluate", str(run), "--samples", "200", "--images", "60", "--device", "cpu"]) == 0
    found = told(capsys)
    bound, lx, lz = (float(found[name]) for name in ("upper bound on -log p(x)", "Lx, pixels", "Lz, KL of the latents"))
    log_p, error = (float(found[name]) for name in ("-log p(x), 200 importance samples", "standard error of log p(x)"))
    assert bound < lx + lz + 0.01  # four samples are better than one
    assert log_p < bound + 0.01 and abs(log_p - float(rows(run / "epochs.csv")[-1]["bound"])) < 5 * error + 1
    assert float(found["KL of layer 1"]) == pytest.approx(lz, abs=0.01) and math.isfinite(error)


def test_samples_come_from_the_network_in_one_picture(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sample", str(run), "--n", "9", "--seed", "3"]) == 0
    assert "9 images, seed 3" in capsys.readouterr().out
    drawn = labkit.load_checkpoint(run).generate(9, generator=torch.Generator().manual_seed(3))
    with Image.open(tmp_path / "samples.png") as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), sheets.sheet(drawn, 3))


def test_samples_of_a_network_with_halves_need_given_images(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        labkit, "load_checkpoint", lambda name: dreg.VAE(dreg.Config(8, 8, (2,), (3,), halves="bottom"))
    )
    assert main(["sample", "halves"]) == 2
    assert "a vae with halves needs given images" in capsys.readouterr().err


# /runs and /draw


def test_its_run_is_listed_with_drawing_networks_and_not_offered_to_draw(run):
    pn.extension()
    hv.extension("bokeh")
    state = runs.read(run)
    views = scene.pictures(runs.with_samples(state))
    assert state.kl().shape[1] == 1 and [type(view).__name__ for view in views] == [
        "BoundCurves",
        "SampleSheet",
        "BoundTerms",
    ]
    name = directory.PREFIX + run.name
    assert name in directory.networks(run.parent, "vae") and name not in directory.networks(run.parent, "draw")
    assert all(models.card(each)["kind"] == "draw" for each in directory.networks(run.parent, "draw").values())


def test_a_network_of_two_layers_shows_layers_instead_of_glimpses(run):
    state = runs.read(run)
    two = replace(state, epochs=state.epochs | {"kl_2": state.epochs["kl_1"] / 2})
    (view,) = [each for each in scene.pictures(two) if isinstance(each, KLHeatmap)]
    plot = hv.render(view.picture(two))
    assert plot.title.text == "KL of each layer, nats" and plot.yaxis[0].axis_label == "layer of latents"


# wrong calls


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "vae", "--data", "digits", "--estimator", "drag"], "no estimator is called 'drag'; did you mean"),
        (
            ["train", "vae", "--data", "digits", "--warmup", "5"],
            "--warmup 5: only labkit train draw has a KL warm-up; leave it out here",
        ),
        (["train", "draw", "--data", "digits", "--samples", "5"], "--samples: only labkit train vae has this option"),
        (
            ["train", "draw", "--data", "digits", "--estimator", "stl"],
            "--estimator: only labkit train vae has this option",
        ),
        (
            ["train", "vae", "--data", "digits", "--original-halves"],
            "--original-halves: --data digits has no halves, only struct_mnist has",
        ),
        (["train", "vae", "--data", "digits", "--precision", "bf16"], "--precision bf16: it has too few digits"),
        (["evaluate", "vae-mnist", "--precision", "bf16"], "--precision bf16: it has too few digits"),
        (["train", "vae", "--data", "digits", "--preset", "big"], "the network must be one of original, burda-1"),
        (
            ["train", "vae", "--data", "digits", "--estimator", "jk", "-K", "1"],
            "jk needs at least K = 2 samples, got 1",
        ),
        (
            ["train", "vae", "--data", "digits", "--alpha", "0.5"],
            "--alpha: only --estimator dreg-alpha takes it, not",
        ),
        (
            ["train", "vae", "--data", "digits", "--inference-only", "draw-digits"],
            "needs a trained vae, but draw-digits is",
        ),
        (["train", "vae", "--data", "digits", "--inference-only", "nowhere"], "no model is called 'nowhere'"),
        (["sample", "{run}", "--gif"], "--gif: a vae does not draw in steps; use --png"),
        (["sample", "{run}", "--out", "a.mp4"], "--out needs a path that ends in .png, got a.mp4; rename it"),
        (
            ["sample", "{run}", "--labels", "1"],
            "--labels: a vae does not have it, only a network that draws stroke by stroke",
        ),
        (
            ["sample", "{run}", "--temperature", "2"],
            "--temperature: a vae does not have it, only a network that draws stroke by stroke",
        ),
    ],
)
def test_wrong_calls_print_one_line_and_exit_with_2(run, words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([word.format(run=run) for word in words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and error.startswith("labkit: ")
    assert list(tmp_path.iterdir()) == []
