"""The runs of a directory: newest first, one line per unreadable folder, and no link is followed."""

import json
import os
import sys

import pytest
import torch
from safetensors.torch import save_file

from labkit import models
from labkit.experiments import runs
from labkit.experiments.runs import directory

NETWORK = {"kind": "draw", "config": "{}"}  # a weights file's description of its own content


def test_runs_are_listed_newest_first_and_damaged_ones_with_a_reason(run_folder, made_runs):
    place = run_folder.parent
    made_runs.trained(place / "b")
    (place / "no run").mkdir()
    (place / "torn").mkdir()
    (place / "torn" / "config.json").write_text("{")
    for age, name in enumerate(("b", "torn", "a")):
        for file in (place / name).glob("*.*"):
            os.utime(file, (made_runs.OLD - age, made_runs.OLD - age))
    found = directory.states(place)
    assert list(found) == ["b", "torn", "a"] and "cannot be read" in found["torn"]
    assert found["a"].name == "a" and directory.states(place / "none") == {}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", b"[" * 100_000, "cannot be read"),
        ("config.json", b'{"a":' * 500 + b"1" + b"}" * 500, "must hold kind"),
        ("config.json", 2**26, "67,108,864 bytes"),
        ("config.json", b"\xff\xfe\x00", "codec"),
        ("config.json", b'{"a": ' + b"9" * 5000 + b"}", "4300 digits"),
        ("config.json", b"[1, 2]", "config"),
        ("config.json", {"kind": ["draw"]}, "must hold kind"),
        ("config.json", {"facts": {"a": [[[[[[[[[]]]]]]]]]}}, "nested deeper than 8"),
        ("metrics.csv", 2**26, "67,108,864 bytes"),
    ],
)
def test_a_damaged_folder_gives_one_line_and_the_others_are_listed(run_folder, name, content, said, made_runs):
    place = run_folder.parent
    if isinstance(content, dict):  # a configuration with this difference
        content = json.dumps(made_runs.CONFIG | content).encode()
    made_runs.spoiled(made_runs.trained(place / "odd") / name, content)
    found = directory.states(place)
    assert said in found["odd"] and "\n" not in found["odd"] and len(found["odd"]) <= directory.REASON
    assert isinstance(found["a"], runs.RunState)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_name_that_is_not_utf8_gives_one_line_and_is_never_offered(run_folder, made_runs):
    place = run_folder.parent
    odd = made_runs.trained(place / os.fsdecode(b"odd\xff"))
    save_file({"w": torch.zeros(1)}, odd / "model.safetensors", NETWORK)
    found = directory.states(place)
    assert found["odd?"] == "the folder's name is not UTF-8; rename it"
    "".join(found).encode()
    assert [name for name in directory.networks(place, "draw") if "/" in name] == []


@pytest.mark.parametrize(
    "content",
    [
        b"torn",
        (2**60).to_bytes(8, "little") + b"{}",
        (2**21).to_bytes(8, "little") + b"{}" + b" " * 2**21,
        (10**5).to_bytes(8, "little") + b"[" * 10**5,
    ],
)
def test_weights_with_a_false_header_are_never_offered(run_folder, content, made_runs):
    made_runs.spoiled(run_folder / "model.safetensors", content)
    assert not directory.is_kind(run_folder, "draw")
    with pytest.raises(ValueError, match="complete safetensors file"):
        models.card(run_folder)


def test_circular_links_are_not_followed(run_folder):
    (run_folder / "samples" / "epoch-0009.png").symlink_to(run_folder / "samples" / "epoch-0008.png")
    (run_folder / "samples" / "epoch-0008.png").symlink_to(run_folder / "samples" / "epoch-0009.png")
    (run_folder.parent / "loop").symlink_to(run_folder.parent / "loop")
    assert [each.name for each in directory.folders(run_folder.parent)] == ["a"]
    assert list(runs.read(run_folder).sheets) == [2, 4, 5]


def test_links_out_of_the_directory_are_not_followed(run_folder, tmp_path, made_runs):
    place, outside = run_folder.parent, made_runs.trained(tmp_path / "elsewhere")
    (run_folder / "samples" / "epoch-0009.png").symlink_to(outside / "samples" / "epoch-0005.png")
    assert list(runs.read(run_folder).sheets) == [2, 4, 5]
    (place / "link").symlink_to(outside)
    assert [each.name for each in directory.folders(place)] == ["a"]
    for name in ("epochs.csv", "samples"):
        if (run_folder / name).is_dir():
            (run_folder / name).rename(run_folder / "moved")
        else:
            (run_folder / name).unlink()
        (run_folder / name).symlink_to(outside / name)
    state = runs.read(run_folder)
    assert (state.epochs, state.sheets) == ({}, {}) and state.step == 600
    (run_folder / "config.json").unlink()
    (run_folder / "config.json").symlink_to(outside / "config.json")
    with pytest.raises(ValueError, match="config.json is not a plain file of its folder"):
        runs.read(run_folder)
    save_file({"w": torch.zeros(1)}, outside / "model.safetensors", NETWORK)
    (run_folder / "model.safetensors").symlink_to(outside / "model.safetensors")
    assert directory.is_kind(outside, "draw") and not directory.is_kind(run_folder, "draw")


def test_only_networks_of_the_right_kind_are_offered(run_folder, made_runs):
    place = run_folder.parent
    save_file({"w": torch.zeros(1)}, run_folder / "model.safetensors", NETWORK)
    for name, metadata in (("b", NETWORK | {"kind": "vae"}), ("c", None)):
        save_file({"w": torch.zeros(1)}, made_runs.trained(place / name) / "model.safetensors", metadata)
    (made_runs.trained(place / "d") / "model.safetensors").write_bytes(b"torn")
    found = directory.networks(place, "draw")
    assert [name for name in found if "/" in name] == ["runs/a"] and found["runs/a"] == run_folder
    assert "draw-small" in found and directory.networks(place, "none such") == {}
