"""The folder of a run while another process writes it: some lines are read, left out or refused."""

import json
import os
import struct
import zlib

import pytest

from labkit.experiments import runs


def test_half_written_and_damaged_lines_are_left_out(run_folder):
    before = len(runs.read(run_folder).metrics["step"])
    text = (run_folder / "metrics.csv").read_text()
    (run_folder / "metrics.csv").write_text(
        text + "none,6,1,1,1,1\n620,6,1,1\n630,6,91.5,71.5,20,40\n640,6,91.2,71.2,20,4"
    )
    found = runs.read(run_folder).metrics
    assert found["step"][-2:].tolist() == [600, 630] and len(found["step"]) == before + 1
    assert found["bound"][-1] == 91.5


@pytest.mark.parametrize("text", ["", "step,ep", "step,epoch,bound\n", "bound\n3\n", "\n\n", "\0\xff"])
def test_a_new_run_has_no_numbers(tmp_path, text, made_runs):
    (tmp_path / "config.json").write_text(json.dumps(made_runs.CONFIG))
    (tmp_path / "metrics.csv").write_text(text)
    state = runs.with_samples(runs.read(tmp_path))
    assert (state.step, state.bound, state.sheets, state.kl().size) == (0, None, {}, 0)


def test_only_a_changed_folder_is_read_again(run_folder):
    one = runs.read(run_folder)
    assert runs.read(run_folder) is one
    with (run_folder / "epochs.csv").open("a") as file:
        file.write("720,6,90,70,20,1,1,1\n")
    assert runs.read(run_folder).bound == 90 and one.bound != 90


@pytest.mark.parametrize("text", ["{", '{"kind": "draw"}', '{"kind": 1, "config": {}, "facts": {}, "settings": {}}'])
def test_an_invalid_configuration_gives_one_line(run_folder, text):
    (run_folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        runs.read(run_folder)


def test_the_number_of_steps_comes_from_the_settings_or_the_end_of_an_epoch(run_folder, tmp_path, made_runs):
    assert runs.read(run_folder).steps == 10 * 120
    (run_folder / "epochs.csv").unlink()
    assert runs.read(run_folder).steps == 10 * 120
    for name, settings, facts, records, want in (
        ("few", {"epochs": 10, "steps": 33}, {"data": "made up"}, 5, 33),
        ("known", {"epochs": 10, "steps": None, "batch_size": 50}, {"data": "digits"}, 5, 10 * (1437 // 50)),
        ("unknown", {"epochs": 10, "steps": None, "batch_size": 50}, {"data": "made up"}, 5, None),
    ):
        config = made_runs.CONFIG | {"settings": settings, "facts": facts}
        assert runs.read(made_runs.trained(tmp_path / name, records, (), config)).steps == want


def test_a_run_is_done_after_its_steps_and_stopped_after_some_time(run_folder, made_runs):
    """There is one record every half second: after one minute without a record the run counts as stopped. If records
    come every 100 s, it takes 300 s.
    """
    for name in ("config.json", "metrics.csv", "epochs.csv"):
        os.utime(run_folder / name, (made_runs.OLD, made_runs.OLD))
    state = runs.read(run_folder)
    assert [state.status(made_runs.OLD + t) for t in (0, 59, 61)] == ["training", "training", "stopped"]
    slow = {"step": [10, 20], "epoch": [1, 1], "bound": [1, 1], "seconds": [1, 101]}
    made_runs.rows("metrics.csv", run_folder, slow)
    os.utime(run_folder / "metrics.csv", (made_runs.OLD + 100, made_runs.OLD + 100))
    assert [runs.read(run_folder).status(made_runs.OLD + t) for t in (390, 410)] == ["training", "stopped"]
    (run_folder / "curves.png").touch()
    assert runs.read(run_folder).status(made_runs.OLD) == "stopped"
    made_runs.rows("metrics.csv", run_folder, {"step": [1200], "epoch": [10], "bound": [1]})
    assert runs.read(run_folder).status(made_runs.OLD) == "done"


def test_the_newest_sheet_or_the_requested_one_is_shown(run_folder):
    state = runs.read(run_folder)
    found = [runs.with_samples(state, epoch) for epoch in (None, 2, 3)]
    assert [(each.shown, each.sheet[0, 0]) for each in found] == [(5, 5), (2, 2), (5, 5)]
    (run_folder / "samples" / "epoch-0005.png").write_bytes(
        (run_folder / "samples" / "epoch-0005.png").read_bytes()[:40]
    )
    with pytest.raises(ValueError, match=r"^epoch-0005.png cannot be read"):
        runs.with_samples(state)


def png(width, height):
    """A PNG file whose header states this size and which contains no pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (png(12_000, 12_000), "pixels"),
        (png(20_000, 20_000), "pixels"),
        (png(4096, 4096), "4,194,304 pixels"),
        (png(64, 64), "truncated"),
        (2**26, "67,108,864 bytes"),
        (b"GIF89a", "cannot be read"),
    ],
)
@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_an_invalid_or_too_large_sheet_is_not_decoded(run_folder, content, said, made_runs):
    made_runs.spoiled(run_folder / "samples" / "epoch-0005.png", content)
    with pytest.raises(ValueError, match="epoch-0005.png cannot be read") as error:
        runs.with_samples(runs.read(run_folder))
    assert said in str(error.value)
