"""`labkit train`, `labkit evaluate`: a run in a folder is stopped, resumed and measured; wrong calls print one line."""

import json
import math
import shutil
import signal
from dataclasses import asdict

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from labkit import data, draw, dreg, models
from labkit.cli import images, keepsakes, main, methods, ship, watch
from labkit.cli.evaluate import measure
from labkit.training import Settings, read_config
from labkit.views.runs import files

pytestmark = pytest.mark.usefixtures("heard")

TINY = ["train", "draw", "--data", "digits", "--preset", "digits", "--batch", "50", "--devices", "cpu", "--steps", "30"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a complete tiny run."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*TINY, "--out", str(folder)]) == 0
    return folder


# training


@pytest.mark.slow
def test_a_run_prints_its_bound_and_how_to_resume(tmp_path, capsys, rows):
    """1437 images in batches of 50 are 28 steps per epoch: one test bound there, one at the end, a line for the
    pictures.
    """
    assert main([*TINY, "--out", str(tmp_path / "a")]) == 0
    said = capsys.readouterr().out.splitlines()
    found = rows(tmp_path / "a" / "epochs.csv")
    assert [row["step"] for row in found] == ["28", "30"] and len(said) == 4
    assert said[0].startswith(f"epoch 1 of 2, step 28: test bound {float(found[0]['bound']):.2f} nats (Lx ")
    assert said[-2] == f"wrote {tmp_path / 'a' / 'curves.png'} and {tmp_path / 'a' / 'training.gif'}"
    assert said[-1].startswith(f"{tmp_path / 'a'} is done, 30 steps in ")
    assert said[-1].endswith(
        f"continue with: labkit evaluate {tmp_path / 'a'} --data digits, or labkit sample {tmp_path / 'a'}"
    )


@pytest.mark.slow
def test_the_options_equal_the_settings_of_the_run(tmp_path):
    options = {"--lr": "0.002", "--ema": "0.9", "--warmup": "7", "--clip-each": "3", "--seed": "4", "--precision": "64"}
    words = [word for pair in options.items() for word in pair]
    assert main([*TINY, *words, "--binarize", "grey", "--steps", "2", "--out", str(tmp_path / "a")]) == 0
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    settings = config["settings"]
    assert [settings[name.strip("-").replace("-", "_")] for name in options] == [0.002, 0.9, 7, 3.0, 4, "64"]
    assert (settings["steps"], settings["batch_size"], settings["devices"]) == (2, 50, "cpu")
    assert config["facts"] == {"data": "digits", "binarisation": "grey"}
    assert config["config"]["height"] == 8
    assert {w.dtype for w in load_file(tmp_path / "a" / "model.safetensors").values()} == {torch.float64}


@pytest.mark.slow
def test_without_out_the_folder_is_named_and_none_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main([*TINY, "--steps", "1"]) == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["draw-digits-digits", "draw-digits-digits-2"]


@pytest.mark.slow
def test_ctrl_c_saves_and_the_resumed_run_equals_an_uninterrupted_one(run, tmp_path, monkeypatch, capsys, rows):
    """A real signal while the first record is printed: exit code 130, the command to resume, then the same bits."""
    tell = watch._tell

    def press(record, task):
        tell(record, task)
        if record.step == 20:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(watch, "_tell", press)
    folder = tmp_path / "stopped"
    assert main([*TINY, "--out", str(folder)]) == 130
    assert f"stopped and saved at step 20 of 30; resume with: labkit train --resume {folder}" in capsys.readouterr().out
    assert (folder / "curves.png").exists()
    assert main(["train", "--resume", str(folder)]) == 0
    for name in ("metrics.csv", "epochs.csv"):
        assert rows(folder / name) == rows(run / name)
    one, other = load_file(folder / "model.safetensors"), load_file(run / "model.safetensors")
    assert all(torch.equal(one[name], other[name]) for name in one)
    capsys.readouterr()
    assert main(["train", "--resume", str(folder)]) == 0
    assert "is complete; continue with: labkit evaluate" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_with_weights_begins_at_a_trained_network(run, tmp_path, capsys):
    """A step of almost no length changes no weight. A resumed run needs its checkpoint."""
    out = tmp_path / "more"
    words = ["train", "draw", "--data", "digits", "--batch", "50", "--devices", "cpu", "--steps", "1", "--lr", "1e-12"]
    assert main([*words, "--weights", str(run), "--out", str(out)]) == 0
    before, after = load_file(run / "model.safetensors"), load_file(out / "model.safetensors")
    assert before.keys() == after.keys()
    for name in before:
        torch.testing.assert_close(after[name], before[name], rtol=0, atol=1e-11)
    assert models.card(out)["weights"] == str(run)
    told = ship._command(models.card(out), read_config(out)["settings"])
    assert f"--data digits --weights {run} --steps 1" in told, told
    assert main(["train", "--resume", str(out)]) == 0 and "is complete" in capsys.readouterr().out
    shutil.rmtree(out / "checkpoints")
    assert main(["train", "--resume", str(out)]) == 2
    assert "has no checkpoint, and --weights needs one" in capsys.readouterr().err


def test_a_run_leaves_its_curves_and_an_animation_with_one_frame_per_sheet(run):
    with Image.open(run / "curves.png") as curves, Image.open(run / "training.gif") as animation:
        assert curves.format == "PNG" and animation.format == "GIF"
        assert animation.n_frames == len(list((run / "samples").iterdir())) == 2
    assert not list(run.glob("*.partial"))


@pytest.mark.parametrize("error", [ValueError("torn"), KeyboardInterrupt()])
@pytest.mark.slow
def test_pictures_that_cannot_be_made_give_a_warning(run, monkeypatch, capsys, error):
    def fail(state, target):
        target.write(b"half")
        raise error

    before = (run / "curves.png").read_bytes()
    monkeypatch.setattr(files, "curves", fail)
    keepsakes.write(run)
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"warning: cannot make the pictures of {run} (")
    assert said.err.count("\n") == 1 and (run / "curves.png").read_bytes() == before


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(tmp_path, monkeypatch, capsys):
    def press_twice(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(watch, "_tell", press_twice)
    assert main([*TINY, "--out", str(tmp_path / "a")]) == 130
    assert f"resume from the last checkpoint with: labkit train --resume {tmp_path / 'a'}" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "dram"], "no method is called 'dram'; did you mean draw?"),
        (["train", "--data", "nmist"], "did you mean 'mnist'?"),
        (["train", "--data", "digits", "--preset", "smal"], "preset must be one of ericjang"),
        (["train", "--data", "digits", "--binarize", "greys"], "did you mean grey?"),
        (["train", "--data", "digits", "--lr", "-1"], "lr must be > 0 and finite, got -1.0"),
        (["train", "--data", "digits", "--batch", "2000"], "batch_size must be at most the 1437 training images"),
        (["train", "--data", "digits", "--precision", "8"], "precision must be one of 32, 64, bf16, got '8'"),
        (["train", "--data", "digits", "--devices", "tpu"], "devices must be auto, cpu, cuda"),
        (
            ["train", "--data", "digits", "--clip-each", "5", "--clip", "1"],
            "--clip-each replaces --clip, got both",
        ),
        (["train", "--data", "digits", "--clip-each", "-5"], "clip_each must be >= 0, got -5"),
        (["train", "--data", "digits", "--weights", "nowhere"], "no model is called 'nowhere'"),
        (["train", "--data", "digits", "--weights", "vae-mnist"], "--weights needs a trained draw, but vae-mnist is"),
        (
            ["train", "--data", "digits", "--weights", "draw-small"],
            "--weights draw-small takes images of 1 x 28 x 28, but digits has 1 x 8 x 8",
        ),
        (["train", "--weights", "draw-digits", "--preset", "digits"], "gives the whole network; leave out --preset"),
        (["train", "--resume", "nowhere"], "nowhere is not a run: it has no config.json"),
        (["train", "--resume", "nowhere", "--lr", "1"], "leave out --lr"),
        (["evaluate", "nothing"], "no model is called 'nothing'"),
    ],
)
def test_wrong_calls_print_one_line_and_exit_with_2(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and error.startswith("labkit: ")
    assert list(tmp_path.iterdir()) == []


def test_a_message_about_missing_data_names_sets_that_need_no_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))
    assert main(["train", "--data", "mnist"]) == 2
    error = capsys.readouterr().err
    assert "labkit data fetch mnist" in error and error.endswith("or use --data digits, which needs no files\n")


@pytest.mark.slow
def test_a_folder_with_a_run_is_not_overwritten(run, capsys):
    assert main([*TINY, "--out", str(run)]) == 2
    assert f"resume it with labkit train --resume {run}" in capsys.readouterr().err


def test_a_preset_has_its_own_training_settings_as_defaults():
    own = {"epochs": 20, "steps": 2000, "lr": 0.01, "warmup": 1000, "eval_every": 10}
    assert methods.plan("draw", "digits", {}) == own
    assert methods.plan("draw", "digits", {"lr": 0.1, "warmup": 0}) == own | {"lr": 0.1, "warmup": 0}
    assert methods.plan("draw", "digits", {"epochs": 3}) == own | {"epochs": 3, "steps": None, "eval_every": 1}
    assert methods.plan("draw", None, {}) == methods.plan("vae", "small", {}) == methods.USUAL


def test_the_command_on_a_card_repeats_the_run():
    """`plan` adds every option that the command leaves out."""
    about = {"kind": "draw", "data": "digits", "config": json.dumps(asdict(draw.preset("digits")))}
    for given in ({}, {"epochs": 20}, {"epochs": 3, "lr": 1e-3}, {"steps": 5}, {"warmup": 0, "clip_each": 5.0}):
        settings = asdict(Settings(**methods.plan("draw", "digits", given) | given))
        words = ship._command(about, settings).split()[7:]  # after labkit train draw --data digits --preset digits
        said = {name[2:].replace("-", "_"): json.loads(value) for name, value in zip(*2 * [iter(words)], strict=True)}
        usual = {name: value for name, value in said.items() if name in methods.USUAL}
        assert asdict(Settings(**said | methods.plan("draw", "digits", usual))) == settings, words


def test_black_and_white_data_are_named_fixed():
    found = [images.find(name, how).binarize for name, how in (("binarized_mnist", "stochastic"), ("mnist", "grey"))]
    assert found == ["fixed", "grey"]


@pytest.mark.slow
@pytest.mark.parametrize("method", [["draw", "--preset", "digits"], ["vae", "--preset", "small", "-K", "2"]])
@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (["--eval-every", "1"], "training stops at step 14, at its test: "),
        (["--eval-every", "0"], "all of the last 18 steps were skipped because the loss or gradient was not finite; "),
    ],
)
def test_a_training_that_is_never_finite_ends_with_an_error_and_exports_nothing(method, rest, said, tmp_path, capsys):
    """Only one step, of length 1e8, succeeds. All later steps are skipped: 4 + 6 + 8 = 18. An epoch has 14 steps."""
    wild = ["--lr", "1e8", "--clip", "0", "--data", "digits", "--devices", "cpu", "--checkpoint-seconds", "0"]
    assert main(["train", *method, *wild, *rest, "--out", str(tmp_path / "a")]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.splitlines()[-1].startswith(f"labkit: {said}")
    assert not list(tmp_path.rglob("*.safetensors"))


# evaluation


@pytest.mark.parametrize("network", [draw.DRAW(draw.preset("digits")), dreg.VAE(dreg.Config(8, 8, (2,), (3,)))])
def test_weights_that_are_not_finite_are_refused(network, tmp_path, capsys):
    kind = "draw" if isinstance(network, draw.DRAW) else "vae"
    about = {"kind": kind, "config": json.dumps(asdict(network.config)), "estimator": "dreg", "samples": "2"}
    save_file({name: each * math.nan for name, each in network.state_dict().items()}, tmp_path / "nan", about)
    assert main(["evaluate", str(tmp_path / "nan"), "--data", "digits", "--images", "3", "--device", "cpu"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "must be finite, got 3 of 3 images where it is not" in said.err


@pytest.mark.slow
def test_one_image_has_no_standard_error(run, capsys):
    assert main(["evaluate", str(run), "--samples", "3", "--images", "1", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "-log p(x), 3 importance samples" in said and "standard error" not in said and "nan" not in said


@pytest.mark.slow
def test_evaluate_prints_the_bound_of_the_whole_test_set_by_glimpse(run, capsys, rows):
    """Its noise has another seed: it equals the run's last evaluation within a few standard errors of 360 images."""
    assert main(["evaluate", str(run), "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "whole on digits test, 360 images, binarisation stochastic" in said
    told = {" ".join(line.split()[:-1]): line.split()[-1] for line in said.splitlines() if line.strip()}
    row = rows(run / "epochs.csv")[-1]
    bound, lx, lz = (float(told[name]) for name in ("upper bound on -log p(x)", "Lx, pixels", "Lz, KL of the latents"))
    assert bound == pytest.approx(lx + lz, abs=0.011)
    assert bound == pytest.approx(float(row["bound"]), abs=1.0)
    assert sum(float(told[f"KL of glimpse {t}"]) for t in range(1, 7)) == pytest.approx(lz, abs=0.04)


def test_evaluate_rounds_large_products_only_on_request(capsys):
    """bfloat16 has three digits: the bound moves by less than 1 %, and it does move."""
    module, about = models.load_checkpoint("draw-digits"), models.card("draw-digits")
    task = methods.METHODS["draw"].test(module, about, "grey", "digits")
    images = data.load("digits", "test")[0][:20]
    exact, rounded = (measure(task, (images,), 0, 100, 0, "cpu", each)["bound"] for each in ("32", "bf16"))
    assert exact != rounded and rounded == pytest.approx(exact, rel=0.01)
    assert main(["evaluate", "draw-digits", "--precision", "16"]) == 2
    assert "no precision is called '16'" in capsys.readouterr().err


@pytest.mark.slow
def test_importance_samples_give_at_most_the_bound(run, capsys):
    assert main(["evaluate", str(run), "--samples", "50", "--images", "100", "--device", "cpu"]) == 0
    told = {
        " ".join(line.split()[:-1]): line.split()[-1] for line in capsys.readouterr().out.splitlines() if line.strip()
    }
    assert float(told["-log p(x), 50 importance samples"]) < float(told["upper bound on -log p(x)"]) + 0.01
    assert math.isfinite(float(told["standard error of log p(x)"]))


@pytest.mark.slow
def test_evaluate_names_another_binarisation_and_refuses_other_images(run, capsys):
    assert main(["evaluate", str(run), "--binarize", "grey", "--images", "50", "--device", "cpu"]) == 0
    assert "50 images, binarisation grey" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--split", "validation"]) == 2
    assert "split of digits must be train or test" in capsys.readouterr().err
