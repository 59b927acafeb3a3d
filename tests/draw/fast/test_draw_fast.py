"""The fast operations equal those of the paper, each alone and in a network of every kind."""

import pytest
import torch

from labkit.draw import fast, lstm, operations


@pytest.mark.parametrize(("c", "n"), [(1, 1), (2, 3)])
@pytest.mark.parametrize("name", ["look", "lay"])
def test_a_window_operation_equals_the_papers(close, normal, name, c, n):
    x, canvas, patch = normal(2, c, 5, 7, seed=1).sigmoid(), normal(2, c, 5, 7, seed=2), normal(2, c, n, n, seed=3)
    asked = 0.4 * normal(2, 5, seed=4)
    asked[0, 2] = 9.0  # beyond the range of a window, where its gradient is zero
    x, canvas, patch, asked = (each.requires_grad_() for each in (x, canvas, patch, asked))
    given, more = ([x, canvas, asked], (n,)) if name == "look" else ([canvas, patch, asked], ())
    wanted, got = (getattr(each, name)(*given, *more) for each in (operations.PAPER, fast.OPERATIONS))
    close(got, wanted, 1e-13)
    weights = normal(*wanted.shape, seed=5)
    right, mine = (torch.autograd.grad((weights * y).sum(), given) for y in (wanted, got))
    for each, other in zip(mine, right, strict=True):
        close(each, other, 1e-12)
    assert not mine[2][0, 2] and mine[2][1, 2]


@pytest.mark.parametrize("extra", [True, False])
@pytest.mark.parametrize("mixed", [None, torch.bfloat16])
def test_three_steps_of_a_cell_equal_the_papers(close, normal, extra, mixed):
    """The first step has no h; products are exact, or in bfloat16 with an error of 2^-8."""
    torch.manual_seed(0)
    dtype = torch.float64 if mixed is None else torch.float32
    cell, more = lstm.LSTM(3, 4).to(dtype), normal(2, 16, seed=1).to(dtype) if extra else None
    x = normal(3, 2, 3).to(dtype).requires_grad_()
    found = []
    for each in (operations.PAPER, fast.OPERATIONS):
        step, h, c = each.cell(cell, mixed, more), None, x.new_zeros(2, 4)
        for t in range(3):
            h, c = step((x[t], h), c)
        found.append([h, c, *torch.autograd.grad((h + c).square().sum(), [cell.weight, cell.bias, x])])
    for right, mine in zip(*found, strict=True):
        assert mine.dtype == dtype
        close(mine, right, 1e-12 if mixed is None else 0.02)


def test_a_pass_with_the_papers_operations_has_the_same_numbers_and_gradients(make, images, config, close, rng):
    """This is tested for networks of every kind."""
    model, (x, labels) = make(config), images(config)
    found = []
    for each in (operations.PAPER, fast.OPERATIONS):
        model.operations = each
        losses = model.losses(x, labels=labels, generator=rng(3))
        gradients = torch.autograd.grad(losses.bound.sum(), list(model.parameters()))
        found.append([losses.nll, losses.kl, model.generate(3, labels=labels, generator=rng(4)).canvas, *gradients])
    for right, mine in zip(*found, strict=True):
        close(mine, right, 1e-12)


def test_the_table_has_a_row_for_every_operation():
    rows = [line.split("|")[0].strip() for line in fast.__doc__.splitlines() if "|" in line]
    assert set(operations.Operations._fields) <= {name.strip("`") for row in rows for name in row.split(", ")}
