"""The loop: its records, its files, the images of its batches, and its errors."""

import csv
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from labkit import training
from labkit.training import Settings, checkpoints, devices, schedules


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def run(toy, task, folder, train=None, test=None, **settings):
    chosen = replace(toy.SETTINGS, checkpoint_seconds=60.0, **settings)
    return list(training.fit(task, chosen, folder, train or toy.images(), test))


# records


@pytest.mark.slow
def test_training_lowers_the_bound(play):
    _, records = play(epochs=40)
    bounds = [record.evaluation.bound for record in records if record.evaluation]
    assert bounds[-1] < 0.8 * bounds[0] and bounds[0] < 1.2 * 16 * math.log(2)


@pytest.mark.slow
def test_records_come_every_few_steps_and_at_the_end_of_an_epoch(play):
    """64 images in batches of 8, with a record every 3 steps: 3, 6, 8, 9, 12, 15, 16, ..."""
    _, records = play(epochs=2)
    assert [record.step for record in records] == [3, 6, 8, 9, 12, 15, 16]
    assert [record.epoch for record in records] == [1, 1, 1, 2, 2, 2, 2]
    assert [record.evaluation is not None for record in records] == [r.step in (8, 16) for r in records]
    assert {(record.steps, record.epochs) for record in records} == {(16, 2)}


@pytest.mark.slow
def test_a_record_is_the_mean_over_its_steps(play):
    """The averages of three records of single steps equal the records of every third step."""
    _, single = play("single", epochs=1, log_every=1)
    _, third = play("third", epochs=1)
    for record, steps in zip(third, (single[:3], single[3:6], single[6:]), strict=True):
        for name in ("bound", "loss", "lx", "lz", "norm"):
            assert getattr(record, name) == pytest.approx(sum(getattr(s, name) for s in steps) / len(steps), rel=1e-9)


def test_equal_seeds_give_equal_runs_and_other_seeds_do_not(play):
    one, two, other = (play(name, seed=seed)[0] for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert torch.equal(one.module.encode.weight, two.module.encode.weight)
    assert not torch.equal(one.module.encode.weight, other.module.encode.weight)


def test_every_epoch_has_every_image_once_in_another_order(toy, tmp_path):
    task, seen = toy.Task(noise=0.0), []
    draw = task.batch
    task.batch = lambda data, index, generator: (seen.append(index.clone()), draw(data, index, generator))[1]
    run(toy, task, tmp_path, epochs=2)
    first, second = torch.cat(seen[:8]), torch.cat(seen[8:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(64))
    assert first.tolist() != second.tolist()


def test_the_reported_bound_has_no_warm_up(play, tmp_path):
    """In records and in both tables, bound = lx + lz, although the loss gives the KL a smaller weight."""
    _, records = play(warmup=10_000)
    for row in rows(tmp_path / "run" / "metrics.csv"):
        assert float(row["bound"]) == pytest.approx(float(row["lx"]) + float(row["lz"]), rel=1e-6)
        assert float(row["loss"]) < float(row["bound"]) - 0.9 * float(row["lz"])
    for row in rows(tmp_path / "run" / "epochs.csv"):
        assert float(row["bound"]) == pytest.approx(float(row["lx"]) + float(row["lz"]), rel=1e-6)
    assert records[-1].bound == pytest.approx(records[-1].lx + records[-1].lz, rel=1e-6)


def test_steps_that_are_not_finite_are_counted(play, tmp_path):
    _, records = play(breaks=0.5)
    counts = [record.skipped for record in records]
    assert counts == sorted(counts) and 10 < counts[-1] < 38  # 48 steps; within four standard deviations of a fair coin
    assert int(rows(tmp_path / "run" / "metrics.csv")[-1]["skipped"]) == counts[-1]
    for before, record in zip(records, records[1:], strict=False):  # the mean is over the steps that were not skipped
        all_left_out = record.skipped - before.skipped == record.step - before.step
        assert math.isnan(record.loss) == math.isnan(record.norm) == all_left_out


def test_skipped_steps_give_a_warning_and_an_epoch_of_them_ends_the_run(toy, tmp_path):
    """64 images in batches of 8: warnings at 3 and 6, the end at 8; there is no export and no checkpoint."""
    settings = replace(toy.SETTINGS, checkpoint_seconds=60.0)
    for folder in ("a", "b"):
        seen, task = [], toy.Task(breaks=1.0)
        with pytest.raises(FloatingPointError, match="all of the last 8 steps were skipped.* stops at step 8"):
            for record in training.fit(task, settings, tmp_path / folder, toy.images(), toy.images(24, 1)):
                seen.append(record)
        assert [record.step for record in seen] == [3, 6] and all(math.isnan(record.bound) for record in seen)
        assert [record.warning for record in seen] == [
            f"all of the last {n} steps were skipped as not finite; lower the learning rate" for n in (3, 6)
        ]
        assert not (tmp_path / folder / "model.safetensors").exists()
        assert [row["skipped"] for row in rows(tmp_path / folder / "metrics.csv")] == ["3", "6", "8"]


def test_a_run_that_failed_keeps_the_last_good_weights(toy, tmp_path):
    """Two epochs are good, then nothing is finite; each record writes a checkpoint. The export is from step 16.

    A resumed run counts the steps that were skipped before, and ends at the same step.
    """
    # 2 divides an epoch, so no record has both good and bad steps
    task, settings = toy.Task(), replace(toy.SETTINGS, log_every=2)
    with pytest.raises(FloatingPointError, match="stops at step 24"):
        for record in training.fit(task, settings, tmp_path, toy.images(), toy.images(24, 1)):
            task.breaks = float(record.step >= 16)
            if record.step == 16:
                before = (tmp_path / "model.safetensors").read_bytes()
    assert (tmp_path / "model.safetensors").read_bytes() == before
    state = checkpoints.newest(tmp_path / "checkpoints")
    assert (state["step"], state["streak"], state["skipped"]) == (22, 6, 6)
    with pytest.raises(FloatingPointError, match="all of the last 8 steps .* stops at step 24"):
        list(training.fit(toy.Task(breaks=1.0), settings, tmp_path, toy.images(), toy.images(24, 1)))


def test_a_test_bound_that_is_not_finite_ends_the_run(toy, tmp_path):
    task = toy.Task()
    measure, left = task.evaluate, [1]  # one good evaluation

    def evaluate(module, batches, generator):
        if not left:
            raise ValueError("the bound must be finite")
        left.pop()
        return measure(module, batches, generator)

    task.evaluate = evaluate
    settings = replace(toy.SETTINGS, checkpoint_seconds=60.0)
    with pytest.raises(
        FloatingPointError, match="stops at step 16, at its test: the bound must be finite; start again"
    ):
        list(training.fit(task, settings, tmp_path, toy.images(), toy.images(24, 1)))
    assert not (tmp_path / "model.safetensors").exists() and len(rows(tmp_path / "epochs.csv")) == 1


def test_collapse_gives_a_warning_at_the_end_but_not_if_latents_carry_information(toy, tmp_path):
    silent = toy.Task()
    parts = silent.parts
    silent.parts = lambda module, x, generator: (parts(module, x, generator)[0], 0 * parts(module, x, generator)[1])
    end = run(toy, silent, tmp_path / "silent", test=toy.images(24, 1))[-1]
    assert end.evaluation.lz == 0 and "collapse: the latents carry 0 nats" in end.warning
    speaking = toy.Task()
    speaking.parts = lambda module, x, generator: (parts(module, x, generator)[0], 1 + parts(module, x, generator)[1])
    assert not any(r.warning for r in run(toy, speaking, tmp_path / "speaking", test=toy.images(24, 1)))


# files


def test_the_folder_has_configuration_tables_sheets_checkpoints_and_weights(play, tmp_path):
    task, records = play(epochs=3)
    folder = tmp_path / "run"
    config = training.read_config(folder)
    assert config["kind"] == "toy" and config["config"] == task.config and config["settings"]["epochs"] == 3
    assert Settings(**config["settings"]) == replace(Settings(**config["settings"]))
    last = [record.evaluation for record in records if record.evaluation][-1]
    row = rows(folder / "epochs.csv")[-1]
    assert [float(row[name]) for name in ("bound", "lx", "lz", "kl_1", "kl_2")] == [
        last.bound, last.lx, last.lz, *last.kl
    ]  # fmt: skip
    assert len(rows(folder / "epochs.csv")) == 3 and row["n"] == "24"
    assert [float(row["bound"]) for row in rows(folder / "metrics.csv")] == [record.bound for record in records]
    sheets = sorted((folder / "samples").iterdir())
    assert [path.name for path in sheets] == ["epoch-0001.png", "epoch-0002.png", "epoch-0003.png"]
    assert np.array_equal(np.asarray(Image.open(sheets[-1])), records[-1].sheet)
    assert set(records[-1].wrote) == {
        sheets[-1],
        folder / "model.safetensors",
        *checkpoints.found(folder / "checkpoints"),
    }
    assert all(path.exists() for record in records for path in record.wrote)


def test_a_run_without_test_images_evaluates_nothing(toy, tmp_path):
    records = run(toy, toy.Task(), tmp_path)
    assert not any(record.evaluation for record in records) and not (tmp_path / "epochs.csv").exists()


def test_evaluations_come_as_often_as_the_settings_require(play):
    for every, wanted in ((4, [32, 48]), (0, [48])):
        _, records = play(f"every-{every}", eval_every=every)
        assert [record.step for record in records if record.evaluation] == wanted


def test_the_averaged_weights_are_evaluated(toy, play, tmp_path):
    """The test repeats the last evaluation with the exported weights."""
    _, records = play(ema=0.95)
    fresh = toy.Task()
    fresh.module.load_state_dict(load_file(tmp_path / "run" / "model.safetensors"))
    generator = torch.Generator().manual_seed(schedules.seed(toy.SETTINGS.seed, "test"))
    data = toy.images(24, 1)
    batches = (fresh.batch(data, index, generator) for index in torch.arange(24).split(8))
    with torch.no_grad():
        assert fresh.evaluate(fresh.module, batches, generator)["bound"] == records[-1].evaluation.bound


def test_tensorboard_has_the_numbers_of_the_tables(play, tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, records = play(tensorboard=True)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    told = {event.step: event.value for event in events.Scalars("train/bound")}
    assert told == pytest.approx({record.step: record.bound for record in records}, rel=1e-6)
    assert len(events.Scalars("kl/glimpse 2")) == 6 and len(events.Images("samples")) > 0


# errors


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 0}, "epochs must be a whole number >= 1, got 0"),
        ({"batch_size": True}, "batch_size must be a whole number >= 1, got True"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"lr": 0.0}, "lr must be > 0 and finite"),
        ({"lr": math.nan}, "lr must be > 0 and finite"),
        ({"beta1": 1.0}, r"beta1 must be in \[0, 1\), got 1.0"),
        ({"ema": -0.1}, "ema must be in"),
        ({"clip": -1.0}, "clip must be >= 0"),
        ({"clip_each": math.nan}, "clip_each must be >= 0"),
        ({"seed": 2**63}, r"seed must be at most"),
        ({"precision": "16"}, "precision must be one of 32, 64, bf16, got '16'"),
        ({"schedule": "step"}, "schedule must be one of cosine, constant"),
    ],
)
def test_wrong_settings_are_rejected(wrong, words):
    with pytest.raises(ValueError, match=words):
        Settings(**wrong)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((), "tensors of one length"),
        ((torch.zeros(0, 1, 4, 4, dtype=torch.uint8),), "length >= 1"),
        ((torch.zeros(9, 1, 4, 4, dtype=torch.uint8), torch.zeros(8)), "tensors of one length"),
        ((torch.ones(9, 1, 4, 4),), r"must be uint8, got torch.float32; use \(255 \* x\).round\(\).to\(torch.uint8\)"),
        ((torch.full((9, 1, 4, 4), 255.0),), r"must be uint8, got torch.float32; use x.round\(\).to\(torch.uint8\)"),
        ((torch.zeros(7, 1, 4, 4, dtype=torch.uint8),), "batch_size must be at most the 7 training images"),
    ],
)
def test_wrong_data_are_rejected_before_files_are_written(toy, tmp_path, data, words):
    with pytest.raises(ValueError, match=words):
        next(training.fit(toy.Task(), toy.SETTINGS, tmp_path / "run", data))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", ["mps", "cuda:1", "0", "2xmps", "-1", "999xcuda"])
def test_devices_that_do_not_exist_are_rejected(words):
    with pytest.raises(ValueError, match="devices"):
        devices.parse(words)


def test_devices_have_a_name_and_a_number():
    """It tests the forms in the docstring of `Settings`, which are in quotation marks."""
    line = next(line for line in Settings.__doc__.splitlines() if line.strip().startswith("devices:"))
    named = re.findall(r'"(.*?)"', line)
    assert len(named) == 6
    for words in named:
        try:
            devices.parse(words)
        except ValueError as error:  # a known form, but the CUDA devices do not exist here
            assert "torch finds" in str(error)
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    assert devices.parse("auto") == (kind, 1) and devices.parse("cpu") == ("cpu", 1)
    assert devices.parse("2xcpu") == ("cpu", 2) and (kind == "cuda" or devices.parse("3") == ("cpu", 3))


def test_a_folder_that_is_not_a_run_is_rejected(tmp_path):
    with pytest.raises(ValueError, match="is not a run: it has no config.json"):
        training.read_config(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\x89PNG\r\n\x1a\n\xff\xfe\x00",
        b"[" * 100_000,
        b'{"kind": ' + b"1" * 5000 + b"}",
        b'{"kind": "draw"' + b" " * (1 << 20) + b"}",
        b"[]",
        b'{"kind": ["draw"], "config": {}, "facts": {}, "settings": {}}',
        b'{"kind": "draw", "config": [], "facts": {}, "settings": {}}',
        b'{"kind": "draw", "config": {}, "facts": "x", "settings": {}}',
    ],
)
def test_a_wrong_configuration_raises_a_short_error_with_its_path(tmp_path, content):
    """The files are cut, binary, nested 100,000 deep, over 1 MB, of other types, or have a number of 5,000 digits."""
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"config.json (cannot be read|must hold kind, config, facts, settings)"
    ) as caught:
        training.read_config(tmp_path)
    assert str(tmp_path) in str(caught.value) and len(str(caught.value).replace(str(tmp_path), "")) < 250


def test_bfloat16_trains_and_exports_float32(play, tmp_path):
    _, records = play(precision="bf16")
    assert math.isfinite(records[-1].evaluation.bound)
    assert {w.dtype for w in load_file(tmp_path / "run" / "model.safetensors").values()} == {torch.float32}
    assert json.loads((tmp_path / "run" / "config.json").read_text())["settings"]["precision"] == "bf16"
