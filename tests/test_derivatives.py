"""Hand-written gradients: a second derivative is right or refused."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.autograd import grad

import labkit
from labkit import derivatives


class Cube(derivatives.ByHand):
    """x^3, or x^2 y if y is given."""

    @staticmethod
    def plain(x, y, power):
        return x**power * (x if y is None else y)

    @staticmethod
    def forward(ctx, x, y, power):
        ctx.save_for_backward(x, y)
        ctx.rest = (power,)
        return Cube.plain(x, y, power)

    @staticmethod
    @derivatives.differentiable(plain)
    def backward(ctx, flow):
        x, y = ctx.saved_tensors
        return (flow * 3 * x**2, None, None) if y is None else (flow * 2 * x * y, flow * x**2, None)


def test_a_second_and_a_third_derivative_are_right():
    x = torch.tensor([2.0, -1.0], dtype=torch.float64, requires_grad=True)
    value, wanted = Cube.of(x, None, 2).sum(), (3 * x**2, 6 * x, torch.full_like(x, 6))
    for right in wanted:
        (value,) = grad(value.sum(), x, create_graph=True)
        assert torch.equal(value, right)


def test_one_input_may_be_a_function_of_another():
    """x^2 y with y = 5 x is 5 x^3: the path through y is counted once."""
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (first,) = grad(Cube.of(x, 5 * x, 2), x, create_graph=True)
    assert first == 15 * x**2 and grad(first, x)[0] == 30 * x


@pytest.mark.slow  # torch loads its compiler
def test_transforms_of_torch_func_take_the_plain_form():
    x = torch.tensor([2.0, -1.0], dtype=torch.float64)
    assert not derivatives.transforms_active()
    assert torch.equal(torch.func.grad(lambda x: Cube.of(x, None, 2).sum())(x), 3 * x**2)


def test_a_missing_second_derivative_is_an_error_with_advice():
    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        @derivatives.once("take the loss itself")
        def backward(ctx, flow):
            return flow * 2

    x = torch.ones(1, requires_grad=True)
    assert grad(Held.apply(x), x) == (torch.tensor([2.0]),)
    with pytest.raises(RuntimeError, match=r"second derivatives are not available here .*; take the loss itself"):
        grad(Held.apply(x), x, create_graph=True)


def test_no_hand_written_gradient_is_a_silent_constant():
    """Every `backward` in labkit is under one of the two decorators."""
    root = Path(labkit.__file__).parent
    found = dict(each for file in root.rglob("*.py") for each in _backwards(file.read_text(encoding="utf-8")))
    assert len(found) >= 6
    assert [name for name, decorated in found.items() if not decorated] == []


def test_an_undecorated_gradient_is_found():
    text = "class Bare(torch.autograd.Function):\n    @staticmethod\n    def backward(ctx, flow):\n        return flow"
    assert list(_backwards(text)) == [("Bare", False)]


def _backwards(text: str) -> Iterator[tuple[str, bool]]:
    """Each class with a `backward`, and whether `differentiable` or `once` decorates it."""
    if "def backward(" not in text:
        return
    for kind in ast.walk(ast.parse(text)):
        for method in kind.body if isinstance(kind, ast.ClassDef) else ():
            if isinstance(method, ast.FunctionDef) and method.name == "backward":
                calls = [each.func for each in method.decorator_list if isinstance(each, ast.Call)]
                yield kind.name, any(getattr(each, "id", "") in {"differentiable", "once"} for each in calls)
