"""The reading half agrees with a second version of it, has its invariances, and learns where to look."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from labkit import draw
from labkit.draw import attention


@pytest.fixture
def reader(rng):
    """9 x 9 pixels, three glimpses of 3 x 3, four classes, normal weights in float64, and five images."""
    model = draw.Classifier(9, steps=3, hidden=5, read=3, classes=4).double()
    generator = rng(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.4 * torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    return model, torch.rand(5, 1, 9, 9, generator=generator, dtype=torch.float64)


def test_a_reading_and_its_gradients_equal_those_of_plain_torch(reader, reference, close):
    model, x = reader
    x.requires_grad_()
    weights = dict(model.named_parameters())
    got, wanted = model(x).logits, reference.classify(weights, x, 3, 3)
    close(got, wanted, 1e-12)
    given, said = [*weights.values(), x], torch.arange(5) % 4
    gradients = [torch.autograd.grad(cross_entropy(each[-1], said), given) for each in (got, wanted)]
    for left, right in zip(*gradients, strict=True):
        close(left, right, 1e-10)


def test_glimpses_come_through_the_reported_windows(reader, close):
    model, x = reader
    reading = model(x)
    close(attention.read(x.expand(3, -1, -1, -1, -1), reading.read, 3), reading.glimpse, 1e-13)
    assert reading.logits.shape == (3, 5, 4)


def test_the_prediction_is_the_most_likely_class_after_the_last_glimpse():
    logits = torch.tensor([[[9.0, 0, 0], [0, 9, 0]], [[0, 0, 1], [1, 0, 0]]])
    nothing = torch.zeros(2, 2)
    reading = draw.Reading(logits, nothing[..., None, None, None], attention.Window(*[nothing] * 5))
    assert reading.said.tolist() == [2, 0]


def test_the_first_window_is_fixed_and_the_next_depends_on_the_glimpse(reader):
    model, x = reader
    a, b = model(x).read, model(1 - x).read
    for one, other in zip(a, b, strict=True):
        assert torch.equal(one[0], other[0]) and (one[0] == one[0, 0]).all()
        assert (one[1:] != other[1:]).all()


def test_an_image_is_read_the_same_in_any_batch_and_stays_unchanged(reader, close):
    model, x = reader
    before, together = x.clone(), model(x).logits
    for b in range(5):
        close(model(x[b : b + 1]).logits[:, 0], together[:, b], 1e-13)
    assert torch.equal(model(x).logits, together) and torch.equal(x, before)


def test_the_default_network_has_the_papers_number_of_parameters():
    """It has an LSTM of 256 with input 12 x 12, five numbers of a window, and ten classes."""
    wanted = 4 * 256 * (144 + 256) + 4 * 256 + (256 + 1) * 5 + (256 + 1) * 10
    assert sum(weight.numel() for weight in draw.Classifier().parameters()) == wanted


def test_mixed_precision_leaves_windows_and_logits_precise(reader):
    """A centre in bfloat16 would be wrong by a quarter of a pixel at 100 pixels."""
    model, x = reader[0].float(), reader[1].float()
    wanted = model(x)
    with torch.autocast("cpu", torch.bfloat16):
        got = model(x)
    assert {each.dtype for each in (got.logits, got.glimpse, *got.read)} == {torch.float32}
    assert all(torch.equal(a[0], b[0]) for a, b in zip(got.read, wanted.read, strict=True))
    assert not torch.equal(got.logits, wanted.logits)
    assert (got.logits - wanted.logits).abs().max() < 0.02 * wanted.logits.abs().max()
    got.logits.sum().backward()
    assert all(weight.grad.dtype == torch.float32 and weight.grad.isfinite().all() for weight in model.parameters())


@pytest.mark.slow
def test_it_learns_which_corner_has_the_spot(rng):
    """It reads 12 x 12 pixels by 2 x 2 glimpses. Nine of ten answers must be right; by chance it is one in four."""
    torch.manual_seed(0)
    model, generator = draw.Classifier(12, steps=3, hidden=24, read=2, classes=4), rng()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)

    def batch(n):
        y, x = torch.randint(12, (2, n), generator=generator)
        images = torch.zeros(n, 1, 12, 12)
        images[torch.arange(n), 0, y, x] = 1
        return images, 2 * (y >= 6) + (x >= 6)

    for _ in range(200):
        images, said = batch(64)
        optimizer.zero_grad()
        cross_entropy(model(images).logits[-1], said).backward()
        optimizer.step()
    images, said = batch(1000)
    assert (model(images).said == said).float().mean() > 0.9
