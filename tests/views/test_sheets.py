"""Sheets of images: every pixel equals that of its image, boxes surround the filters, neighbours are the nearest."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from labkit import draw
from labkit.draw.attention import Window
from labkit.views import sheets


@pytest.fixture
def some():
    """numpy's uint8 [n, c, 4, 6]: height and width differ."""

    def make(n, channels=1):
        return np.random.default_rng(0).integers(0, 256, (n, channels, 4, 6), dtype=np.uint8)

    return make


@pytest.fixture
def trace():
    """trace(centre, stride, sigma, n) -> a pass of two steps, one black 8x8 image, the same window at both."""

    def make(center_y=3.5, center_x=3.5, stride=2.0, sigma=1.0, n=3, steps=2):
        canvas = torch.full((steps, 1, 1, 8, 8), -200.0)
        numbers = (center_y, center_x, stride, sigma, 1.0)
        window = Window(*(torch.full((steps, 1), value) for value in numbers))
        return draw.Trace(
            canvas, torch.zeros(steps, 1, 2), canvas[0, 0], patch=torch.zeros(steps, 1, 1, n, n), write=window
        )

    return make


def red(picture):
    return (picture == sheets.PEN).all(-1)


# a sheet


@pytest.mark.parametrize("channels", [1, 3])
def test_every_pixel_equals_that_of_its_image(some, channels):
    """Image i is in row i // columns, every pixel is a square of scale x scale, with a gap of paper between two
    images.
    """
    images, scale = some(5, channels), 3
    picture = sheets.sheet(images, 2, scale=scale)
    assert picture.dtype == np.uint8
    assert picture.shape == (3 * 12 + 2 * sheets.GAP, 2 * 18 + sheets.GAP, 3)
    for i, image in enumerate(images):
        top, left = i // 2 * (12 + sheets.GAP), i % 2 * (18 + sheets.GAP)
        tile = picture[top : top + 12, left : left + 18]
        assert (tile == np.kron(image.transpose(1, 2, 0), np.ones((scale, scale, 1)))).all()
    assert (picture[-12:, -18:] == sheets.PAPER).all()  # the place of a sixth image


def test_floats_and_tensors_are_the_same_images(some):
    images = some(3)
    whole = sheets.sheet(images)
    assert (sheets.sheet(images / 255) == whole).all()
    assert (sheets.sheet(torch.from_numpy(images).float().div(255).requires_grad_()) == whole).all()


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (16, 4)])
def test_without_columns_the_grid_is_a_square(n, columns):
    assert sheets.square(n) == columns
    picture = sheets.sheet(np.zeros((n, 1, 4, 4), dtype=np.uint8), scale=1)
    assert picture.shape[1] == 4 * columns + sheets.GAP * (columns - 1)


def test_one_image_is_next_to_each_row(some):
    images = some(5)
    ends = sheets.row_ends(5, 2)
    assert ends == [1, 3, 4]
    picture = sheets.sheet(images, 2, scale=1, beside=images[ends])
    for row, end in enumerate(ends):
        assert (picture[row * (4 + sheets.GAP) :][:4, -6:] == images[end].transpose(1, 2, 0)).all()
    with pytest.raises(ValueError, match="for each of 3 rows"):
        sheets.sheet(images, 2, beside=images[:2])


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 1, 4)), "images must be"),
        (np.zeros((0, 1, 4, 4)), "images must be"),
        (np.zeros((1, 2, 4, 4)), "1 or 3"),
        (np.full((1, 1, 4, 4), 1.5), r"\[0, 1\]"),
        (np.full((1, 1, 4, 4), np.nan), "without NaN"),
    ],
)
def test_invalid_images_are_refused(images, said):
    with pytest.raises(ValueError, match=said):
        sheets.sheet(images)


def test_a_grid_needs_a_column(some):
    with pytest.raises(ValueError, match="columns must be >= 1"):
        sheets.sheet(some(2), 0)


# windows


def test_the_box_extends_half_a_stride_beyond_the_outer_filters(trace):
    """Centre (row 3, column 4), stride 1.5, 3 filters: from 2.25 before to 2.25 beyond it, at the pixels' middles."""
    scale = 20
    picture = sheets.animation(trace(3.0, 4.0, 1.5, sigma=100.0), scale=scale)[0]  # sigma 100: a line of one pixel
    rows, columns = np.nonzero(red(picture))
    assert (rows.min(), rows.max() + 1) == (scale * 1.25, scale * 5.75)
    assert (columns.min(), columns.max() + 1) == (scale * 2.25, scale * 6.75)
    assert red(picture).sum() == 4 * (4.5 * scale - 1)  # an outline, not an area


def test_a_smaller_sigma_is_a_thicker_line(trace):
    areas = [red(sheets.animation(trace(sigma=sigma), scale=20)[0]).sum() for sigma in (0.05, 0.5, 1, 2, 20)]
    assert areas == sorted(areas, reverse=True) and areas[0] > 3 * areas[-1]


@pytest.mark.parametrize(("sigma", "reach"), [(0.05, 0.5), (1.0, 2.0)])
def test_a_single_filter_has_a_box_of_two_sigma_and_at_least_a_pixel(trace, sigma, reach):
    rows, _ = np.nonzero(red(sheets.animation(trace(3.0, 3.0, 7.0, sigma, n=1), scale=20)[0]))
    assert (rows.min(), rows.max() + 1) == (20 * (3.5 - reach), 20 * (3.5 + reach))


@pytest.mark.parametrize(("center", "edge"), [(-1e9, 0), (40.0, -1), (1e9, -1)])
def test_a_window_outside_the_image_is_a_line_at_the_nearest_edge(trace, center, edge):
    picture = red(sheets.animation(trace(center_y=center, sigma=100.0), scale=10)[0])
    assert picture[edge].any() and picture.any(1).sum() == 1


def test_a_window_beyond_the_edge_does_not_reach_the_next_image(trace):
    one = trace(3.5, 7.0)
    both = draw.Trace(
        one.canvas.expand(-1, 2, -1, -1, -1), one.z, one.start, patch=one.patch.expand(-1, 2, -1, -1, -1),
        write=Window(*(torch.stack([field[:, 0], 0.5 + 0 * field[:, 0]], 1) for field in one.write)),
    )  # fmt: skip
    picture = red(sheets.animation(both, columns=2, scale=10)[0])
    left, right = picture[:, :80], picture[:, 80 + sheets.GAP :]
    assert left[:, -1].any() and not left[:, :40].any()
    assert right[:, :40].any() and not right[:, 40:].any()
    assert not picture[:, 80 : 80 + sheets.GAP].any()


# over time


@pytest.fixture(scope="module")
def generated():
    torch.manual_seed(0)
    model = draw.DRAW(draw.Config(channels=3, height=6, width=8, steps=5, hidden=8, latent=2, read=2, write=3))
    with torch.no_grad():
        return model.generate(4, generator=torch.Generator().manual_seed(0))


def test_an_animation_shows_the_sheet_after_every_step_and_the_end(generated):
    frames = sheets.animation(generated, window=False, scale=2)
    assert len(frames) == 5 + 1 and (frames[-1] == frames[-2]).all()
    assert all((frame == sheets.sheet(x, scale=2)).all() for frame, x in zip(frames, generated.images, strict=False))


def test_windows_are_marked_in_all_frames_except_the_last(generated):
    frames = sheets.animation(generated)
    assert all(red(frame).any() for frame in frames[:-1]) and not red(frames[-1]).any()


def test_an_image_next_to_an_animation_stays(generated):
    ends = generated.images[-1][[1, 3]]
    frames = sheets.animation(generated, scale=2, beside=ends)
    assert all((frame[:, -16:] == frames[0][:, -16:]).all() for frame in frames)
    assert (frames[-1] == sheets.sheet(generated.images[-1], scale=2, beside=ends)).all()


def test_a_strip_has_a_row_for_each_image_and_a_column_for_each_step(generated):
    expected = sheets.sheet(generated.images.transpose(0, 1).reshape(20, 3, 6, 8), 5, scale=2)
    assert (sheets.strip(generated, window=False, scale=2) == expected).all()
    assert red(sheets.strip(generated)).any()


def test_a_long_strip_shows_evenly_spaced_steps_and_the_last(generated):
    expected = sheets.sheet(generated.images[[0, 2, 4]].transpose(0, 1).reshape(12, 3, 6, 8), 3, scale=2)
    assert (sheets.strip(generated, window=False, most=3, scale=2) == expected).all()


def test_without_attention_there_is_nothing_to_mark():
    model = draw.DRAW(draw.Config(height=4, width=4, steps=2, hidden=4, latent=2, read=None, write=None))
    with torch.no_grad():
        trace = model.generate(1, generator=torch.Generator().manual_seed(0))
    assert not any(red(frame).any() for frame in sheets.animation(trace))


# neighbours


def test_the_neighbour_is_the_nearest_of_all_images(some, monkeypatch):
    """Compared with plain loops, in chunks smaller than the whole set, for bytes and for floats."""
    train, images = some(37), some(40)[37:] // 2 + 60
    wanted = [min(range(37), key=lambda j: ((x / 255 - train[j] / 255) ** 2).sum()) for x in images]  # noqa: B023
    for chunk in (2_000, 5):
        monkeypatch.setattr(sheets, "CHUNK", chunk)
        assert sheets.neighbours(images, train).tolist() == wanted
        assert sheets.neighbours(torch.from_numpy(images) / 255, train).tolist() == wanted


def test_a_training_image_is_its_own_neighbour(some):
    train = some(30, 3)
    assert sheets.neighbours(train, train).tolist() == list(range(30))


def test_neighbours_are_of_the_same_size(some):
    with pytest.raises(ValueError, match=r"\(n, 1, 4, 6\) are needed, got \(2, 3, 4, 6\)"):
        sheets.neighbours(some(2), some(2, 3))
    with pytest.raises(ValueError, match="got \\(0,"):
        sheets.neighbours(some(2), some(0))


def test_it_loads_neither_a_display_package_nor_torch():
    script = (
        "import sys, labkit; before = set(sys.modules); import labkit.views.sheets;"
        "print(sorted({'torch', 'panel', 'holoviews', 'bokeh'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
