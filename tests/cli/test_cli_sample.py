"""`labkit sample`: the written images are the network's samples, and wrong calls print one line before sampling."""

import base64
import gzip
import json
import os
import re
import stat
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import labkit
from labkit import data, draw
from labkit.cli import main
from labkit.paint import video
from labkit.views import sheets

SMALL = {"height": 8, "width": 8, "steps": 3, "hidden": 8, "latent": 2, "read": 3, "write": 3}


@pytest.fixture(scope="module")
def models():
    """Networks by name: one without classes, one with three classes, one that cannot draw."""
    torch.manual_seed(0)
    found = {"plain": draw.DRAW(draw.Config(**SMALL)), "labels": draw.DRAW(draw.Config(**SMALL, classes=3))}
    for model in found.values():
        torch.nn.init.normal_(model.stroke.bias)  # an untrained network draws only grey
    return {**found, "reader": torch.nn.Linear(2, 2)}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, models):
    """A separate working folder, in which networks are found by name."""

    def load(name):
        if name not in models:
            raise FileNotFoundError(f"no model is called {name!r}; there are plain and labels")
        return models[name].eval()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(labkit, "load_checkpoint", load)


def drawn(model, n, labels=None, temperature=1.0, seed=0):
    """The last images of the same samples, computed by hand."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        labels = None if labels is None else torch.tensor(labels)
        return model.generate(n, labels=labels, temperature=temperature, generator=generator)


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


# the written files


def test_a_picture_is_the_sheet_of_the_networks_samples(models, capsys):
    assert main(["sample", "plain", "--n", "5", "--seed", "3", "--temperature", "0.5", "--out", "a.png"]) == 0
    wanted = sheets.sheet(drawn(models["plain"], 5, temperature=0.5, seed=3).images[-1])
    assert (pixels("a.png") == wanted).all()
    said = capsys.readouterr()
    assert said.err == "" and "plain: 5 images, 3 strokes each, seed 3" in said.out and "wrote a.png (" in said.out


def test_an_animation_shows_every_stroke_and_ends_without_windows(models):
    assert main(["sample", "plain", "--n", "4", "--out", "a.gif"]) == 0
    wanted = sheets.animation(drawn(models["plain"], 4))
    with Image.open("a.gif") as gif:
        assert gif.n_frames == 4
        for i, frame in enumerate(wanted):
            gif.seek(i)
            assert abs(np.asarray(gif.convert("RGB")).astype(int) - frame).max() <= 8  # a GIF has 256 colours
        assert gif.info["duration"] >= 1000  # the animation rests on its end


def test_windows_can_be_left_out():
    red = {}
    for flag in ("--window", "--no-window"):
        assert main(["sample", "plain", "--out", "a.gif", flag]) == 0
        frame = pixels("a.gif").astype(int)
        red[flag] = (abs(frame - sheets.PEN).sum(-1) < 30).sum()
    assert red["--window"] > 100 and red["--no-window"] == 0


def test_a_web_page_shows_every_stroke_and_ends_without_windows(models):
    """Three strokes are five frames: the empty canvas, each stroke, and the end without windows."""
    from labkit.recordings.frames import unpack

    for flag, windows in {"--window": [0, 1, 1, 1, 0], "--no-window": [0] * 5}.items():
        assert main(["sample", "plain", "--n", "4", "--out", "a.html", flag]) == 0
        packed = re.search(r'id="recording">([^<]*)<', Path("a.html").read_text(encoding="utf-8"))[1]
        found, messages, frame, seen = gzip.decompress(base64.b64decode(packed)), [], None, []
        while found:
            (size,) = struct.unpack_from("<I", found)
            messages.append(found[4 : 4 + size])
            found = found[4 + size :]
        for message in messages[1:]:
            frame = unpack(message, frame)
            seen.append(int(len(frame.columns[0]["write"]["x0"]) > 0))
        assert seen == windows


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ([], "samples.gif"),
        (["--png"], "samples.png"),
        (["--gif", "--out", "x"], "x.gif"),
        (["--png", "--out", "x.PNG"], "x.PNG"),
    ],
)
def test_the_format_follows_the_suffix_or_a_flag(line, name):
    assert main(["sample", "plain", "--n", "1", *line]) == 0
    assert [path.name for path in Path().iterdir()] == [name]
    assert Image.open(name).format == name[-3:].upper()


def test_labels_repeat_with_one_column_per_class(models, capsys):
    assert main(["sample", "labels", "--n", "5", "--labels", "2,0", "--out", "a.png"]) == 0
    wanted = sheets.sheet(drawn(models["labels"], 5, [2, 0, 2, 0, 2]).images[-1], 2)
    assert (pixels("a.png") == wanted).all() and "classes 2, 0" in capsys.readouterr().out


def test_without_labels_a_network_with_classes_draws_them_all(models):
    assert main(["sample", "labels", "--n", "4", "--out", "a.png"]) == 0
    assert (pixels("a.png") == sheets.sheet(drawn(models["labels"], 4, [0, 1, 2, 0]).images[-1], 3)).all()


def test_the_nearest_training_image_is_next_to_the_last_of_each_row(models):
    assert main(["sample", "plain", "--n", "4", "--neighbours", "digits", "--out", "a.png"]) == 0
    images, train = drawn(models["plain"], 4).images[-1], data.load("digits", "train")[0].numpy() / 255
    nearest = [((train - image.numpy()) ** 2).sum((1, 2, 3)).argmin() for image in images[[1, 3]]]
    assert (pixels("a.png") == sheets.sheet(images, beside=train[nearest])).all()


def test_a_weights_file_is_really_opened(models, monkeypatch, tmp_path):
    from labkit import models as room

    monkeypatch.setattr(labkit, "load_checkpoint", room.load_checkpoint)
    about = {"kind": "draw", "config": json.dumps(SMALL)}
    save_file(models["plain"].state_dict(), tmp_path / "w.safetensors", about)
    assert main(["sample", "w.safetensors", "--out", "a.png"]) == 0
    assert (pixels("a.png") == sheets.sheet(drawn(models["plain"], 16).images[-1])).all()


# films


@pytest.fixture
def program(monkeypatch, tmp_path):
    """program(code) puts a Python script with this code on PATH as ffmpeg."""
    if os.name == "nt":
        pytest.skip("a script is no program there")

    def put(code):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "ffmpeg").write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
        (folder / "ffmpeg").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", str(folder))

    return put


def test_a_film_gets_every_frame_from_ffmpeg(models, program):
    program("open(sys.argv[-1], 'wb').write(' '.join(sys.argv[1:]).encode() + b'|' + sys.stdin.buffer.read())")
    assert main(["sample", "plain", "--n", "2", "--out", "a.mp4"]) == 0
    told, film = Path("a.mp4").read_bytes().split(b"|", 1)
    frames = sheets.animation(drawn(models["plain"], 2))
    high, wide, _ = frames[0].shape
    assert f"-s {wide}x{high}".encode() in told and b"pad=ceil" in told
    assert film.startswith(b"".join(frame.tobytes() for frame in frames))
    assert film.endswith(frames[-1].tobytes()) and len(film) == high * wide * 3 * (4 + 4)  # a second at 4 frames each


def test_without_ffmpeg_a_film_names_the_alternatives(monkeypatch, capsys):
    monkeypatch.setattr(video, "PROGRAM", "no-such-program")
    assert main(["sample", "plain", "--mp4", "--out", "a"]) == 2
    one_line(capsys.readouterr(), "not on PATH; install it, or use --gif")


def test_when_ffmpeg_fails_its_last_line_is_shown_and_no_file_remains(program, capsys):
    program("open(sys.argv[-1], 'wb').write(b'half'); print('one\\nno encoder', file=sys.stderr); sys.exit(1)")
    assert main(["sample", "plain", "--out", "a.mp4"]) == 2
    one_line(capsys.readouterr(), "(no encoder); use --gif")
    assert [path.name for path in Path().iterdir()] == ["bin"]


# wrong calls


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plaim", "no model is called 'plaim'"),
        ("reader", "is a Linear, which does not draw"),
        ("plain --n 0", "labkit sample --help"),
        ("plain --n many", "labkit sample --help"),
        ("plain --seed -1", "labkit sample --help"),
        ("plain --seed 9223372036854775808", "--seed must be at most 9,223,372,036,854,775,807"),
        ("plain --temperature -1", "temperature must be finite and >= 0"),
        ("plain --temperature nan", "temperature must be finite"),
        ("plain --temperature inf", "temperature must be finite"),
        ("plain --labels 0", "has no classes; leave --labels out"),
        ("labels --labels 0,3", "--labels must be from 0 to 2, got 0,3"),
        ("labels --labels 0,x", "whole numbers with commas"),
        ("labels --labels 0,", "whole numbers with commas"),
        ("plain --neighbours digit", "did you mean"),
        ("plain --neighbours mnist", "labkit data fetch mnist"),
        ("plain --out a.jpg", "--out needs a path that ends in .gif or .png or .mp4 or .html, got a.jpg"),
        ("plain --out a", "--out needs a path that ends in"),
        ("plain --gif --out a.png", "--gif needs a path that ends in .gif, got a.png"),
        ("plain --html --neighbours mnist", "--neighbours: a web page cannot show them"),
        ("plain --gif --png", "--gif and --png: one command writes one file"),
        ("plain --out missing/a.gif", "create it, or choose another folder"),
        ("plain --out folder.gif", "is a folder"),
    ],
)
def test_a_wrong_call_prints_one_line_and_exits_with_2(line, said, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LABKIT_DATA", raising=False)
    Path("folder.gif").mkdir()
    assert main(["sample", *line.split()]) == 2
    one_line(capsys.readouterr(), said)
    assert [path for path in Path().iterdir() if path.is_file()] == []


def test_neighbours_of_another_size_are_refused(models, monkeypatch, capsys):
    wide = draw.DRAW(draw.Config(**SMALL | {"width": 9}))
    monkeypatch.setitem(models, "wide", wide)
    assert main(["sample", "wide", "--neighbours", "digits", "--out", "a.png"]) == 2
    one_line(capsys.readouterr(), "training images (n, 1, 8, 9) are needed")


def one_line(captured, said):
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and said in captured.err
