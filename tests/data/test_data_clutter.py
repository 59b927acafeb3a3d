"""Cluttered digits and two digits are complete, at any position, and the same for equal seeds."""

import pytest
import torch

from labkit.data import cluttered, two_digits


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    """Twelve images without a black pixel, so that every pixel can be found again."""
    return torch.randint(1, 256, (12, 1, 28, 28), generator=rng(), dtype=torch.uint8)


def box(picture):
    """(top, left, height, width) of the pixels that are not black."""
    rows, columns = picture.any(1).nonzero().flatten(), picture.any(0).nonzero().flatten()
    return rows[0].item(), columns[0].item(), len(range(rows[0], rows[-1] + 1)), len(range(columns[0], columns[-1] + 1))


def test_without_pieces_the_canvas_has_only_the_complete_digit(images):
    canvas, labels = cluttered(images, torch.arange(12), pieces=0, generator=rng())
    assert canvas.shape == (12, 1, 100, 100) and canvas.dtype == torch.uint8 and labels.tolist() == list(range(12))
    for picture, image in zip(canvas[:, 0], images[:, 0], strict=True):
        top, left, height, width = box(picture)
        assert (height, width) == (28, 28) and picture[top : top + 28, left : left + 28].equal(image)


def test_pieces_cover_the_digit_only_where_they_are_brighter(images):
    """The digit is placed first, so with the same seed it has the same position as without pieces."""
    clean, _ = cluttered(images, None, pieces=0, generator=rng())
    canvas, labels = cluttered(images, None, generator=rng())
    assert labels is None and (canvas >= clean).all()
    outside = ((canvas > 0) & (clean == 0)).flatten(1).sum(1)
    assert (outside > 0).all() and (outside <= 8 * 64).all()


def test_a_piece_is_eight_by_eight_pixels_of_another_image(images):
    """The first image is black, so the others show nothing of it, and it shows their pieces."""
    flat = torch.zeros(2, 1, 28, 28, dtype=torch.uint8)
    flat[1] = 200
    canvas, _ = cluttered(flat, None, pieces=1, generator=rng())
    assert box(canvas[0, 0])[2:] == (8, 8) and canvas[0].unique().tolist() == [0, 200]
    assert box(canvas[1, 0])[2:] == (28, 28)


def test_positions_reach_every_edge_of_the_canvas():
    white = torch.full((400, 1, 28, 28), 255, dtype=torch.uint8)
    one, _ = cluttered(white, None, size=32, pieces=0, generator=rng())
    for canvas in (one, two_digits(white, size=32, generator=rng())):
        seen = canvas.amax(0)[0]
        assert seen[0].any() and seen[-1].any() and seen[:, 0].any() and seen[:, -1].any()
    tops = [box(picture)[0] for picture in one[:, 0]]
    counts = torch.tensor(tops).bincount(minlength=5)  # uniform on 0..4
    assert ((counts - 80).abs() < 4 * (400 * 0.2 * 0.8) ** 0.5).all()


def test_a_canvas_of_the_images_size_has_only_one_position(images):
    assert cluttered(images, None, size=28, pieces=0, generator=rng())[0].equal(images)


def test_two_digits_are_both_complete_and_add_up_where_they_overlap():
    """With two images of brightness 100 and 200, each canvas has both: one alone, 300 clipped to 255, or nothing."""
    pair = torch.empty(2, 1, 28, 28, dtype=torch.uint8)
    pair[0], pair[1] = 100, 200
    canvas = two_digits(pair, generator=rng())
    assert canvas.shape == (2, 1, 60, 60) and canvas.dtype == torch.uint8
    for seed in range(20):
        for picture in two_digits(pair, generator=rng(seed))[:, 0]:
            both = (picture == 255).sum()
            assert set(picture.unique().tolist()) <= {0, 100, 200, 255}
            assert (picture == 100).sum() + both == 28 * 28 == (picture == 200).sum() + both


def test_dark_digits_add_without_an_overflow():
    faint = torch.full((2, 1, 28, 28), 100, dtype=torch.uint8)
    assert two_digits(faint, size=28, generator=rng()).unique().tolist() == [200]


@pytest.mark.parametrize("make", [lambda *a, **k: cluttered(*a, None, **k)[0], two_digits])
def test_equal_seeds_give_equal_canvases_and_the_images_do_not_change(make, images):
    before = images.clone()
    first = make(images, generator=rng(3))
    assert (
        first.equal(make(images, generator=rng(3)))
        and not first.equal(make(images, generator=rng(4)))
        and images.equal(before)
    )


def test_images_that_do_not_fit_are_rejected(images):
    with pytest.raises(ValueError, match="size must be at least 28, .* got 27"):
        cluttered(images, None, size=27, generator=rng())
    with pytest.raises(ValueError, match="at least two images"):
        two_digits(images[:1], generator=rng())
    with pytest.raises(ValueError, match="at least 8x8"):
        cluttered(images[..., :7, :7], None, generator=rng())
