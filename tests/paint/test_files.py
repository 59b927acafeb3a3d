"""Files of the painter: their content, that they are written completely or not at all, and the imports of painting."""

import ast
import io
import sys
from pathlib import Path

import holoviews as hv
import numpy as np
import pytest
from PIL import Image

import labkit.paint
from labkit.paint import Painter, save_gif, save_png
from labkit.paint.files import indexed

WHITE = (255, 255, 255)


def frames(n=6):
    picture = hv.Points([(0, 0)], label="p").opts(color="red", size=12, show_legend=False, xlim=(0, 1), ylim=(0, 1))
    painter = Painter(picture, (200, 150))
    return [painter.frame({"p": {"x": [x], "y": [0.5]}}) for x in np.linspace(0.1, 0.9, n)]


@pytest.mark.parametrize(("fps", "total"), [(20, 300), (30, 200), (7, 860)])
def test_a_gif_has_its_frames_and_duration_and_repeats_forever(tmp_path, fps, total):
    """Six frames last 6 / fps seconds, rounded to the hundredths of a second of a GIF."""
    path = tmp_path / "run.gif"
    save_gif(iter(frames()), path, fps=fps)
    with Image.open(path) as gif:
        assert gif.n_frames == 6 and gif.info["loop"] == 0
        times = []
        for i in range(6):
            gif.seek(i)
            times.append(gif.info["duration"])
    assert sum(times) == total
    assert [p.name for p in tmp_path.iterdir()] == ["run.gif"]


def test_a_gif_keeps_background_and_colours_in_every_frame(tmp_path):
    save_gif(frames(), tmp_path / "run.gif")
    with Image.open(tmp_path / "run.gif") as gif:
        for i, frame in enumerate(frames()):
            gif.seek(i)
            difference = np.abs(np.asarray(gif.convert("RGB")).astype(int) - np.asarray(frame))
            assert gif.convert("RGB").getpixel((1, 1)) == WHITE
            assert difference.max() <= 24 and difference.mean() < 0.5


def test_each_colour_becomes_the_nearest_of_the_palette():
    colors = np.array([[255, 255, 255], [252, 252, 252], [0, 0, 0]], dtype=np.uint8)
    row = np.array([[[255, 255, 255], [253, 253, 253], [100, 90, 80]]], dtype=np.uint8)
    (flat,) = indexed([Image.fromarray(row)], colors)
    assert np.asarray(flat).tolist() == [[0, 1, 2]]


def test_many_colours_still_share_one_palette(tmp_path):
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)) for _ in range(3)]
    save_gif(noise, tmp_path / "noise.gif")
    with Image.open(tmp_path / "noise.gif") as gif:
        assert gif.n_frames == 3
        gif.seek(2)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - np.asarray(noise[2])).mean() < 20


def test_pictures_can_be_written_to_open_files():
    png, gif = io.BytesIO(), io.BytesIO()
    save_png(frames(1)[0], png)
    save_gif(frames(2), gif)
    assert np.array_equal(np.asarray(Image.open(png)), np.asarray(frames(1)[0]))
    assert Image.open(gif).n_frames == 2


def test_a_failed_write_gives_the_reason_and_keeps_the_old_file(tmp_path):
    image = Image.new("RGB", (8, 8))
    with pytest.raises(ValueError, match=r"end in \.png, got 'a\.gif'"):
        save_png(image, tmp_path / "a.gif")
    with pytest.raises(OSError, match=r"cannot write .*missing.a\.png: No such file.*; make the folder .*missing"):
        save_png(image, tmp_path / "missing" / "a.png")
    (tmp_path / "a.gif").write_text("old")
    with pytest.raises(ValueError, match="one size"):
        save_gif([image, Image.new("RGB", (9, 8))], tmp_path / "a.gif")
    with pytest.raises(ValueError, match="no frame"):
        save_gif([], tmp_path / "a.gif")
    with pytest.raises(ValueError, match="fps"):
        save_gif([image], tmp_path / "a.gif", fps=100)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_a_write_that_fails_halfway_leaves_no_file(tmp_path):
    class Broken(Image.Image):
        def save(self, file, **_):
            file.write(b"half")
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        save_png(Broken(), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", sorted(Path(labkit.paint.__file__).parent.glob("*.py")), ids=lambda f: f.stem)
def test_painting_imports_only_holoviews_numpy_pillow_reportlab_python_the_atomic_writer_and_contrast(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = ("labkit.paint", "labkit.atomic", "labkit.contrast", "labkit.private.holoviews")  # two need only Python
    assert all(name.startswith(ours) for name in names if name.startswith("labkit"))
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names <= {
        "holoviews",
        "numpy",
        "PIL",
        "reportlab",
        "labkit",
    }
