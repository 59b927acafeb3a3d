"""`labkit train`, `labkit evaluate` and `--resume` take your own images, and notice when they change."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from labkit import models
from labkit.cli import main

pytestmark = pytest.mark.slow  # trains small networks

SHORT = ["--batch", "10", "--devices", "cpu", "--eval-every", "0", "--steps"]


@pytest.fixture
def photos(tmp_path):
    """A folder of 30 colour PNG files of 12 x 10 pixels, in three classes."""
    rng = np.random.default_rng(0)
    for i in range(30):
        path = tmp_path / "my photos" / "abc"[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)).save(path)
    return tmp_path / "my photos"


def train(*words):
    return main(["train", *map(str, words)])


def test_a_run_remembers_its_images_and_notices_a_change(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train("draw", "--data", "my photos", "--preset", "digits", "--binarize", "grey", *SHORT, 2) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        f"{photos}: 30 images, 12 x 10, colour\n  3 classes: a (10), b (10), c (10)\n  files: 30 .png"
    )
    assert (
        "split: 27 train, 3 test" in said and "continue with: labkit evaluate 'runs/draw-my photos-digits', or" in said
    )
    run = tmp_path / "runs" / "draw-my photos-digits"
    config = json.loads((run / "config.json").read_text())
    assert config["facts"]["data"] == str(photos) and config["facts"]["images"].startswith("sha256 ")
    assert [config["config"][name] for name in ("channels", "height", "width", "classes")] == [3, 12, 10, 0]
    assert models.card(run)["images"] == config["facts"]["images"]
    assert main(["evaluate", str(run), "--device", "cpu"]) == 0
    assert f"on {photos} test, 3 images, binarisation grey" in capsys.readouterr().out
    (photos / "a" / "0.png").unlink()
    for words in (["evaluate", str(run)], ["train", "--resume", str(run)]):
        assert main(words) == 2
        assert f"the images in {photos} have changed since the run began" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--data", str(photos), "--device", "cpu"]) == 0


def test_a_stopped_run_continues_where_the_same_images_are_now(photos, tmp_path, capsys):
    """A run of 4 steps that was interrupted after 2 equals one without interruption, also from another folder."""
    from safetensors.torch import load_file

    for name, steps in (("whole", 4), ("stopped", 4)):
        assert train("draw", "--data", photos, "--preset", "digits", *SHORT, steps, "--out", tmp_path / name) == 0
    for file in (tmp_path / "stopped" / "checkpoints").iterdir():  # as if it had been killed before its first one
        file.unlink()
    photos.rename(tmp_path / "moved")
    capsys.readouterr()
    assert train("--resume", tmp_path / "stopped") == 2
    assert f"{photos} does not exist" in capsys.readouterr().err
    assert train("--resume", tmp_path / "stopped", "--data", tmp_path / "moved") == 0
    whole, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert all((whole[name] == other[name]).all() for name in whole)
    assert json.loads((tmp_path / "stopped" / "config.json").read_text())["facts"]["data"] == str(photos)


def test_a_network_with_classes_gets_those_of_the_folder(photos, tmp_path, capsys):
    words = ["--data", photos, "--preset", "small-labels", "--size", "8x6", *SHORT, 1, "--out", tmp_path / "a"]
    assert train("draw", *words) == 0
    assert "resized: 30 images of 12 x 10 pixels, cropped around their centre, now 8 x 6" in capsys.readouterr().out
    config = json.loads(models.card(tmp_path / "a")["config"])
    assert (config["height"], config["width"], config["classes"]) == (8, 6, 3)


def test_a_vae_takes_colour_images_as_grey_values(photos, tmp_path, capsys):
    words = ["--data", photos, "--preset", "small", "-K", 2, *SHORT, 1, "--out", tmp_path / "a"]
    assert train("vae", *words) == 0
    assert "colours: changed to grey values" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "a"), "--device", "cpu"]) == 0


def test_an_array_of_grey_images_is_trained_and_sampled_with_its_neighbours(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (40, 20, 20), dtype=np.uint8)
    np.savez(tmp_path / "grey.npz", images=images)
    words = ["--data", tmp_path / "grey.npz", "--preset", "digits", *SHORT, 1, "--out", tmp_path / "a"]
    assert train("draw", *words) == 0
    out = tmp_path / "sheet.png"
    assert main(["sample", str(tmp_path / "a"), "--out", str(out), "--neighbours", str(tmp_path / "grey.npz")]) == 0
    assert "40 images, 20 x 20, grey" in capsys.readouterr().out and out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "nowhere/at/all"], "nowhere/at/all does not exist; give a folder of images"),
        (["--data", "digits", "--size", "16"], "--size: only your own images are resized, not digits"),
        (["--data", "my photos", "--size", "big"], "--size must be a number of pixels, or height and width such as"),
        (["--data", "my photos", "--size", "100"], "the size of images must be from 4 to 64 pixels, got 100 x 100"),
        (["--data", "my photos", "--batch", "100"], "batch_size must be at most the 27 training images"),
    ],
)
def test_wrong_calls_print_one_line(photos, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert train("draw", "--preset", "digits", "--devices", "cpu", *words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_other_options_than_the_place_of_the_images_are_refused_with_resume(photos, tmp_path, capsys):
    assert train("draw", "--data", "digits", "--preset", "digits", *SHORT, 1, "--out", tmp_path / "a") == 0
    assert train("--resume", tmp_path / "a", "--data", photos) == 2
    assert "leave out --data" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "a")
