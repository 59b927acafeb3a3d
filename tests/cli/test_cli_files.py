"""Commands whose file, folder or output cannot be written."""

import io
import json
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from labkit.cli import errors, main
from labkit.training.folder import LOCK

OUTPUT = "from labkit.cli import main; import sys; sys.exit(main(sys.argv[1:]))"


def labkit(*words, **options):
    """A separate process with real output."""
    return subprocess.run(
        [sys.executable, "-c", OUTPUT, *map(str, words)], stderr=subprocess.PIPE, text=True, **options
    )


def one_line(capsys, *said):
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and all(words in err for words in said), err


@pytest.fixture
def no_room(no_file_above):
    """no_room(): afterwards no file may have more than 100 bytes, as if the disk were full."""
    with ExitStack() as limits:
        yield lambda: limits.enter_context(no_file_above(100))


@pytest.mark.parametrize(
    ("line", "file"),
    [
        (["svgd", "--steps", "1", "--csv", "{}/a.csv"], "a.csv"),
        (["svgd", "--steps", "1", "--png", "{}/a.png"], "a.png"),
        pytest.param(["svgd", "--steps", "1", "--gif", "{}/a.gif"], "a.gif", marks=pytest.mark.slow),
        (["svgd", "--steps", "1", "--curves", "{}/b.csv"], "b.csv"),
        pytest.param(
            ["dreg", "variance", "-K", "2", "--replicates", "40", "--out", "{}"], "variance.csv", marks=pytest.mark.slow
        ),
        pytest.param(["reproduce", "mvn", "--out", "{}"], "mvn.csv", marks=pytest.mark.slow),
        pytest.param(
            ["sample", "draw-digits", "--n", "1", "--png", "--out", "{}/s.png"], "s.png", marks=pytest.mark.slow
        ),
        (["lab", "--dir", "{}"], "1-svgd.ipynb"),
    ],
)
def test_a_full_disk_ends_the_command_with_one_line(line, file, tmp_path, no_room, capsys):
    no_room()
    assert main([word.format(tmp_path) for word in line]) == 2
    one_line(capsys, "labkit: cannot", f"{file}: File too large")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "line",
    [
        ["train", "draw", "--data", "digits", "--out", "{}"],
        ["dreg", "--out", "{}"],
        ["reproduce", "mvn", "--out", "{}"],
        ["ship", "any", "any", "--into", "{}"],
    ],
)
@pytest.mark.parametrize("below", ["", "below"])
def test_a_file_in_place_of_a_folder_is_named_before_the_run(line, below, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main([word.format(tmp_path / "file" / below) for word in line]) == 2
    one_line(capsys, "must be a folder, but", "file is a file; choose another")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("line", [["svgd", "--png"], ["sample", "draw-digits", "--png", "--out"]])
def test_a_folder_in_place_of_a_file_is_named_before_the_run(line, tmp_path, capsys):
    (tmp_path / "a.png").mkdir()
    assert main([*line, str(tmp_path / "a.png")]) == 2
    one_line(capsys, "a.png is a folder; name a file in it")
    assert main([*line, str(tmp_path / "none" / "a.png")]) == 2
    one_line(capsys, "there is no folder", "none; create it, or choose another")


@pytest.mark.slow
def test_a_second_training_in_one_folder_prints_one_line_and_exits_with_2(tmp_path, capsys):
    import filelock

    with filelock.FileLock(tmp_path / LOCK):
        line = ["train", "draw", "--data", "digits", "--preset", "digits", "--steps", "1", "--out", str(tmp_path)]
        assert main(line) == 2
    one_line(capsys, "another training writes into")
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK]


@pytest.mark.slow
def test_a_training_on_a_full_disk_shows_how_to_resume(tmp_path, no_room, capsys):
    folder = tmp_path / "my run"
    line = ["train", "draw", "--data", "digits", "--preset", "digits", "--out", str(folder)]
    assert main([*line, "--steps", "3"]) == 0
    capsys.readouterr()
    (folder / "checkpoints" / "step-000000003.pt").unlink()
    no_room()
    assert main(["train", "--resume", str(folder)]) == 2
    one_line(capsys, "metrics.csv: File too large", "then resume with: labkit train --resume '")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00binary", "cannot be read"),
        (b'{"kind": ["draw"], "config": {}, "facts": {}, "settings": {}}', "must hold kind, config, facts, settings"),
        (
            b'{"kind": "draw", "config": {}, "facts": {}, "settings": {"epochs": 1e20}}',
            "was written by another version of labkit",
        ),
        (b'{"kind": "draw", "config": {}, "facts": {}, "settings": {"epochs": 100000000000}}', "at most 999,999,999"),
    ],
)
def test_a_damaged_configuration_ends_a_resume_with_one_line_that_names_it(content, said, tmp_path, capsys):
    (tmp_path / "config.json").write_bytes(content)
    assert main(["train", "--resume", str(tmp_path)]) == 2
    one_line(capsys, str(tmp_path / "config.json"), said)


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"steps": "many"}, {"steps": [1]}, {"glimpses": 3}, {"height": None}])
def test_a_resume_of_an_invalid_network_ends_with_one_line(change, tmp_path, capsys):
    from labkit.draw import preset

    config = {**vars(preset("digits")), **change}
    about = {"kind": "draw", "config": config, "facts": {"data": "digits", "binarisation": "fixed"}, "settings": {}}
    (tmp_path / "config.json").write_text(json.dumps(about))
    assert main(["train", "--resume", str(tmp_path)]) == 2
    one_line(capsys, "labkit: ")


def test_a_vae_without_training_settings_prints_one_line(tmp_path, capsys):
    from safetensors.torch import load_file, save_file

    from labkit import models

    file = models.find("vae-mnist")
    save_file(
        load_file(file), tmp_path / "v.safetensors", {k: v for k, v in models.card(file).items() if k != "samples"}
    )
    assert main(["evaluate", str(tmp_path / "v.safetensors"), "--data", "digits"]) == 2
    one_line(capsys, "must name its estimator and samples")


# the output


@pytest.mark.slow
def test_a_full_output_prints_one_line(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = labkit("reproduce", "--list", stdout=full)
    assert done.returncode == 2 and done.stderr == "labkit: cannot write the output: No space left on device\n"


def closed():
    """The writing end of a pipe without a reader."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


@pytest.mark.slow
def test_a_closed_output_ends_the_command_without_a_message():
    with closed() as output:
        done = labkit("reproduce", "--list", stdout=output)
    assert done.returncode == 1 and done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "files"),
    [
        (["svgd", "--steps", "1", "--csv", "a.csv", "--png", "a.png"], ["a.csv", "a.png"]),
        (["dreg", "-K", "2", "--replicates", "40", "--out", "."], ["variance.csv", "variance.png"]),
        (["reproduce", "mvn", "--out", "."], ["mvn.csv"]),
    ],
)
def test_files_are_written_although_the_output_is_closed(line, files, tmp_path, monkeypatch, capsys):
    """In the process of the tests; the test above checks a separate process."""
    monkeypatch.chdir(tmp_path)
    with closed() as output, monkeypatch.context() as instead, pytest.raises(SystemExit) as ended:
        instead.setattr(sys, "stdout", output)
        sys.exit(main(line))
    assert ended.value.code == 1 and capsys.readouterr().err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == files


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_characters_that_the_terminal_lacks_are_replaced(encoding, tmp_path, monkeypatch):
    """The path, the table's lines, ² and ± are printed as the encoding allows, otherwise as question marks."""
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", output)
    path = tmp_path / "Läufe 中.csv"
    assert main(["svgd", "--steps", "0", "--csv", str(path)]) == 0
    assert path.exists()
    output.seek(0)
    assert f"wrote {path}".encode(encoding, errors="replace").decode(encoding) in output.read()


@pytest.mark.skipif(os.name == "nt", reason="the quotes of a POSIX shell")
def test_a_path_in_a_hint_can_be_pasted_into_a_shell(tmp_path):
    for name in ("runs/a", "my run", "it's", "a;b", "中 x"):
        said = subprocess.run(f"printf %s {errors.quoted(name)}", shell=True, capture_output=True, text=True).stdout
        assert said == name
    assert errors.quoted("runs/draw-mnist-small") == "runs/draw-mnist-small"
