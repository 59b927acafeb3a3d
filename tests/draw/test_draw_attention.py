"""Windows have the right position, read and write correctly, and work for every raw number (draw.md, 3 and 5)."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from labkit.draw import attention


@pytest.fixture
def tall():
    """tall(raw, n) -> the window on 9 x 14 pixels."""
    return lambda raw, n: attention.window(raw, n, 9, 14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 12])
def test_rows_sum_to_one_with_finite_gradients_for_every_raw_window(checks, n, dtype):
    """It tests 4^5 windows, with centres up to 1400 pixels away and widths from 1/20 of a pixel to 20 pixels."""
    checks.rows_sum_to_one_with_finite_gradients(n, dtype)


def test_the_grid_of_zeros_is_centred_on_the_image(checks):
    checks.centres_of_zeros_are_symmetric()


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_centres_are_symmetric_and_one_stride_apart(tall, normal, close, n):
    window = tall(normal(6, 5), n)
    for centres, middle in zip(attention.centres(window, n), window[:2], strict=True):
        close(centres + centres.flip(-1), (2 * middle)[:, None].expand(6, n), 1e-14)
        assert torch.allclose(centres.diff(dim=-1), window.stride[:, None], rtol=0, atol=1e-12)


def test_a_window_of_zeros_covers_the_longer_side(tall):
    """It goes from 0 to 13 along the 14 pixels, from the centre of the image, with sigma 1 and intensity 1."""
    window = tall(torch.zeros(5, dtype=torch.float64), 3)
    assert [float(v) for v in window] == [4.0, 6.5, 6.5, 1.0, 1.0]
    assert attention.centres(window, 3)[1].tolist() == [0.0, 6.5, 13.0]


def test_plus_and_minus_one_are_one_pixel_outside_the_image(tall):
    """g = (A + 1)/2 (g~ + 1) goes from 0 to A + 1 in pixels from 1."""
    window = tall(torch.tensor([[-1.0, -1, 0, 0, 0], [1, 1, 0, 0, 0]]), 3)
    assert window.center_y.tolist() == [-1, 9] and window.center_x.tolist() == [-1, 14]


@pytest.mark.parametrize("n", [1, 4])
def test_a_mirrored_image_with_a_mirrored_centre_is_read_mirrored(checks, n):
    checks.mirrored_image_is_read_mirrored(n)


@pytest.mark.parametrize(("n", "height", "width", "channels"), [(3, 6, 9, 1), (4, 8, 5, 3), (1, 5, 7, 2), (2, 4, 4, 1)])
def test_windows_agree_with_plain_python_for_the_papers_equations(checks, reference, n, height, width, channels):
    checks.windows_are_the_papers(reference, n, height, width, channels)


def test_a_narrow_window_over_the_whole_image_reads_the_image(checks):
    checks.a_whole_narrow_window_is_the_identity()


@pytest.mark.parametrize("log_intensity", [0.0, 1.3, -0.7])
def test_read_and_write_are_adjoint_up_to_intensity_squared(checks, log_intensity):
    checks.read_and_write_are_adjoint(log_intensity)


def test_a_constant_image_is_read_as_intensity_and_writing_keeps_the_sum_of_a_patch(tall, normal, close):
    """Rows sum to 1, so read(1) = gamma everywhere, and the sum of write(w) is the sum of w over gamma."""
    window, patch = tall(normal(5, 5), 3), normal(5, 2, 3, 3, seed=1)
    seen = attention.read(torch.ones(5, 2, 9, 14, dtype=torch.float64), window, 3)
    close(seen, window.intensity[:, None, None, None].expand(5, 2, 3, 3), 1e-14)
    drawn = attention.write(patch, window, 9, 14)
    close(drawn.sum((1, 2, 3)), patch.sum((1, 2, 3)) / window.intensity, 1e-12)


def test_a_single_filter_is_at_the_centre_for_any_stride(tall, normal, close):
    raw, x = normal(6, 5).requires_grad_(), normal(6, 1, 9, 14, seed=1)
    window = tall(raw, 1)
    for centres, middle in zip(attention.centres(window, 1), window[:2], strict=True):
        assert torch.equal(centres[:, 0], middle)
    close(window.stride, 13 * raw[:, 3].exp(), 1e-14)
    gradient = torch.autograd.grad(attention.read(x, window, 1).sum(), raw)[0]
    assert (gradient[:, 3] == 0).all() and gradient[:, :3].all()


def test_raw_numbers_beyond_the_clamps_change_nothing(tall, close):
    """draw.md, 3.6: log variance and log gamma are within 6, log stride from -6 to 3; centres are free."""
    asked = torch.tensor([[0.0, 0, -99, -99, -99], [9, 9, 99, 99, 99]], dtype=torch.float64)
    _, _, stride, sigma, intensity = tall(asked, 3)
    close(stride, [6.5 * math.exp(-6), 6.5 * math.exp(3)], 1e-14)
    close(sigma, [math.exp(-3), math.exp(3)], 1e-14)
    close(intensity, [math.exp(-6), math.exp(6)], 1e-14)


def test_windows_of_all_steps_at_once_equal_single_windows(normal, close):
    """The windows are [T, B], as in a trace, on images of [T, B]."""
    raw, x, patch = normal(4, 3, 5), normal(4, 3, 2, 7, 6, seed=1), normal(4, 3, 2, 3, 3, seed=2)
    many = attention.window(raw, 3, 7, 6)
    one = [[attention.window(raw[t, b], 3, 7, 6) for b in range(3)] for t in range(4)]
    seen = [torch.stack([attention.read(x[t, b], one[t][b], 3) for b in range(3)]) for t in range(4)]
    drawn = [torch.stack([attention.write(patch[t, b], one[t][b], 7, 6) for b in range(3)]) for t in range(4)]
    close(attention.read(x, many, 3), torch.stack(seen), 1e-13)
    close(attention.write(patch, many, 7, 6), torch.stack(drawn), 1e-13)


@pytest.mark.slow
def test_gradients_equal_finite_differences(tall, normal):
    raw = (0.5 * normal(2, 5)).requires_grad_()
    x, patch = normal(2, 2, 9, 14, seed=1).requires_grad_(), normal(2, 2, 3, 3, seed=2).requires_grad_()
    assert gradcheck(lambda raw: tuple(tall(raw, 3)), raw)
    assert gradcheck(lambda raw: attention.filterbank(tall(raw, 3), 3, 9, 14), raw)
    assert gradcheck(lambda raw, x: attention.read(x, tall(raw, 3), 3), (raw, x))
    assert gradcheck(lambda raw, patch: attention.write(patch, tall(raw, 3), 9, 14), (raw, patch))


def test_read_and_write_keep_the_input_unchanged_and_its_dtype(tall, normal):
    for dtype in (torch.float32, torch.float64):
        given = [normal(2, 5).to(dtype), normal(2, 1, 9, 14, seed=1).to(dtype), normal(2, 1, 3, 3, seed=2).to(dtype)]
        before = [each.clone() for each in given]
        window = tall(given[0], 3)
        assert attention.read(given[1], window, 3).dtype == attention.write(given[2], window, 9, 14).dtype == dtype
        assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))
