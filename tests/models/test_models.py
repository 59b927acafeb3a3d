"""`labkit.load_checkpoint` opens runs, files and shipped names, and its errors explain what is wrong with others."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

import labkit
from labkit import draw, models, training
from labkit.draw.task import Task

SMALL = draw.Config(height=6, width=5, steps=2, hidden=8, latent=3, read=2, write=2)


@pytest.fixture
def run(tmp_path):
    """The folder of a run of DRAW of three steps, and its last record."""
    images = torch.randint(0, 256, (20, 1, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    settings = training.Settings(steps=3, batch_size=5, devices="cpu")
    *_, last = training.fit(Task(draw.DRAW(SMALL), data="toy"), settings, tmp_path / "run", (images,), (images,))
    return tmp_path / "run", last


def test_a_run_opens_as_its_averaged_network_in_eval_mode(run):
    folder, _ = run
    for name in (folder, str(folder), folder / "model.safetensors"):
        model = labkit.load_checkpoint(name)
        assert isinstance(model, draw.DRAW) and model.config == SMALL and not model.training
    weights = load_file(folder / "model.safetensors")
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


def test_the_file_has_its_kind_config_and_facts(run):
    folder, last = run
    about = models.card(folder)
    assert about["kind"] == "draw" and draw.Config(**json.loads(about["config"])) == SMALL
    assert (about["data"], about["binarisation"], about["step"]) == ("toy", "stochastic", "3")
    assert float(about["test_bound"]) == last.evaluation.bound and about["test_images"] == "20"


def test_shipped_names_open_and_are_listed(run, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "HERE", tmp_path)
    (tmp_path / "tiny.safetensors").write_bytes((run[0] / "model.safetensors").read_bytes())
    assert models.shipped() == ["tiny"] and labkit.load_checkpoint("tiny").config == SMALL
    with pytest.raises(FileNotFoundError, match=r"no model is called 'tinny'; give a run's folder.*\(tiny\)"):
        labkit.load_checkpoint("tinny")


def test_bfloat16_weights_are_widened(run, tmp_path):
    folder, _ = run
    halves = {name: value.bfloat16() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(halves, tmp_path / "half.safetensors", models.card(folder))
    for name, value in labkit.load_checkpoint(tmp_path / "half.safetensors").state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, halves[name].float())


def test_a_file_that_is_not_a_model_raises_a_short_error(run, tmp_path):
    folder, _ = run
    weights, about = load_file(folder / "model.safetensors"), models.card(folder)
    (tmp_path / "torn.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9])
    save_file(weights, tmp_path / "bare.safetensors")
    save_file(weights, tmp_path / "kind.safetensors", {**about, "kind": "gan"})
    save_file({**weights, "stroke.bias": torch.zeros(3)}, tmp_path / "shape.safetensors", about)
    save_file(weights, tmp_path / "config.safetensors", {**about, "config": '{"depth": 3}'})
    for name, words in {
        "torn": "must be a complete safetensors file",
        "bare": "must name one of the kinds draw, vae and its config, got None; use a file that labkit train wrote",
        "kind": "got 'gan'",
        "shape": "does not fit the network that it names .*stroke.bias",
        "config": "does not fit the network that it names .*depth",
    }.items():
        with pytest.raises(ValueError, match=words) as caught:
            labkit.load_checkpoint(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(caught.value)


def test_an_unfinished_run_raises_another_error_than_a_wrong_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no model.safetensors yet"):
        labkit.load_checkpoint(tmp_path)


def test_import_labkit_stays_light():
    script = "import sys, labkit; print('torch' in sys.modules); labkit.load_checkpoint; labkit.nothing"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False" and "has no attribute 'nothing'" in done.stderr
