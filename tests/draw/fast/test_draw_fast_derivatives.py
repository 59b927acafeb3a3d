"""Gradients of DRAW are right in every use of autograd: partial, nested, parallel, repeated and second derivatives.

They are compared with the reference, plain torch in float64.
"""

import threading
from functools import partial

import pytest
import torch
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.utils.checkpoint import checkpoint

from labkit import draw
from labkit.draw.fast import lstm, windows

TIGHT = 1e-11


@pytest.fixture
def case(make, images, config, noisy, normal):
    """A network of every kind, its weights by name, three images, their labels, and the noise of every pass."""
    x, labels = images(config)
    noise = normal(config.steps, len(x), config.latent, seed=5)
    noisy(noise)
    model = make(config)
    return model, dict(model.named_parameters()), x, labels, noise


@pytest.fixture
def oracle(reference, case):
    """oracle(x=...) -> the reference's results with the same weights, connected to them."""
    model, weights, x, labels, noise = case
    return lambda x=x: reference.run(model.config, {"canvas": model.canvas, **weights}, x, noise, labels)


@pytest.fixture
def same(close):
    """same(got, wanted): equally many gradients; one that is `None` counts as zeros."""

    def compare(got, wanted):
        for left, right in zip(got, wanted, strict=True):
            if left is None or right is None:
                assert (left is None or not left.any()) and (right is None or not right.any())
            else:
                close(left, right, TIGHT)

    return compare


@pytest.fixture
def small(make, images, configs, noisy, normal):
    """A network with windows, its weights, three images, and fixed noise."""
    config = configs["attention"]
    noisy(normal(config.steps, 3, config.latent, seed=5))
    model = make(config)
    return model, list(model.parameters()), images(config)[0]


@pytest.fixture
def oracle_of(reference, normal):
    """oracle_of(model, x, name) -> the reference's bound as a function of the weight with that name."""

    def of(model, x, name):
        noise = normal(model.config.steps, len(x), model.config.latent, seed=5)
        named = {"canvas": model.canvas, **{key: each.detach() for key, each in model.named_parameters()}}

        def bound(value):
            found = reference.run(model.config, named | {name: value}, x, noise)
            return (found["nll"][-1] + found["kl"].sum(0)).sum()

        return bound

    return of


# one backward pass does not change another


def test_the_gradient_of_an_early_canvas_is_right_after_that_of_a_late_one(case, oracle, same):
    """The first pass ends at z_2; the second starts at canvas 1, which the first one has passed."""
    model, weights, x, labels, _ = case
    wanted, middle = oracle(), model.config.steps // 2
    looked, drawn = zip(*model.steps(x, labels, None), strict=True)
    grad(drawn[-1].canvas.square().sum(), looked[middle].z, retain_graph=True)
    for t in (0, middle, -1):
        got = grad(drawn[t].canvas.square().sum(), list(weights.values()), retain_graph=True, allow_unused=True)
        right = grad(wanted["canvas"][t].square().sum(), list(weights.values()), retain_graph=True, allow_unused=True)
        same(got, right)


def test_a_backward_pass_inside_another_gives_the_right_gradients(small, same):
    """A hook in the middle of the first backward pass runs a complete second one."""
    model, weights, x = small
    looked, drawn = zip(*model.steps(x, None, None), strict=True)
    cost, inner = drawn[-1].canvas.square().sum(), []
    wanted = grad(cost, weights, retain_graph=True)

    def once(_):
        if not inner:
            inner.append(None)
            inner[:] = grad(cost, weights, retain_graph=True)

    looked[1].z.register_hook(once)
    same(grad(cost, weights, retain_graph=True), wanted)
    same(inner, wanted)


def test_two_threads_may_use_the_same_graph(small, same):
    model, weights, x = small
    canvas, found = [each.canvas for _, each in model.steps(x, None, None)], {}
    wanted = [grad(each.square().sum(), weights, retain_graph=True, allow_unused=True) for each in canvas]

    def work(t):
        for _ in range(5):
            found[t] = grad(canvas[t].square().sum(), weights, retain_graph=True, allow_unused=True)

    threads = [threading.Thread(target=work, args=(t,)) for t in range(len(canvas))]
    for step in (threading.Thread.start, threading.Thread.join):
        for each in threads:
            step(each)
    for t, right in enumerate(wanted):
        same(found[t], right)


def test_a_step_without_gradients_does_not_change_those_of_other_steps(small, same):
    """The middle step runs under no_grad, so its results are constants, also in the reference."""
    model, weights, x = small
    steps = iter(model.steps(x, None, None))
    next(steps)
    with torch.no_grad():
        _, held = next(steps)
    _, last = next(steps)
    got = grad(last.patch.square().sum(), model.stroke.weight)
    (right,) = grad((last.h.detach() @ model.stroke.weight.T + model.stroke.bias).square().sum(), model.stroke.weight)
    same(got, [right])
    assert not held.canvas.requires_grad


def test_weights_that_change_before_the_backward_pass_are_an_error(small):
    """torch's own layers also raise an error, because the gradient would belong to other weights."""
    model, weights, x = small
    cost = model.losses(x).bound.sum()
    with torch.no_grad():
        model.encoder.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        grad(cost, weights)


@pytest.mark.slow  # torch loads its compiler for the first of them
@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_gives_the_same_gradients(small, same, reentrant):
    model, weights, x = small
    wanted = grad(model.losses(x).bound.sum(), weights)
    x = x.requires_grad_()  # reentrant checkpoints only check their inputs
    model.zero_grad()
    checkpoint(lambda x: model.losses(x).bound.sum(), x, use_reentrant=reentrant).backward()
    same([each.grad for each in weights], wanted)


def test_a_frozen_weight_costs_no_product(small, monkeypatch):
    """Its gradient is not computed, although gradients go through its map."""
    model, _, x = small
    model.encoder.weight.requires_grad_(False)
    made, right = [], lstm._nothing
    monkeypatch.setattr(lstm, "_nothing", lambda like: made.append(like.shape) or right(like))
    model.losses(x).bound.sum().backward()
    assert len(made) == 3 and model.encoder.weight.shape not in made


# second derivatives


def _operations(normal):
    def leaf(*shape, seed=0):
        return normal(*shape, seed=seed).requires_grad_()

    raw = leaf(2, 5)
    cell = (leaf(8, 5), leaf(8), leaf(3, 5, seed=1), leaf(3, 8, seed=2), leaf(3, 2, seed=3))
    return {
        "divergence": (draw.divergence, (leaf(3, 2), leaf(3, 2, seed=1))),
        "likelihood": (draw.negative_log_likelihood, (leaf(3, 2, 1, 3, 3), torch.rand(2, 1, 3, 3).double())),
        "look": (partial(windows.look, n=2), (leaf(1, 1, 3, 2), leaf(1, 1, 3, 2, seed=2), raw[:1])),
        "lay": (windows.lay, (leaf(1, 2, 3, 2), leaf(1, 2, 2, 2, seed=1), raw[:1])),
        "linear": (lambda w, b, x: lstm.Linear(w, b, None)(x), (leaf(3, 4), leaf(3), leaf(2, 4, seed=1))),
        "cell": (lambda *inputs: lstm._Cell.of(*inputs)[:2], cell),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", _operations(lambda *shape, seed: torch.zeros(shape)))
def test_first_and_second_derivatives_equal_finite_differences(normal, name):
    function, inputs = _operations(normal)[name]
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_the_hessian_of_the_divergence_is_the_identity():
    """The divergence is 1/2 sum mu^2, whose incoming gradient is a constant."""
    zero = torch.zeros(3, dtype=torch.float64)
    found = torch.autograd.functional.hessian(lambda mu: draw.divergence(mu, zero), zero + 1)
    assert torch.equal(found, torch.eye(3).double())


def test_a_gradient_penalty_equals_that_of_plain_autograd(case, oracle, same):
    """The squared gradient of the bound with respect to the image is differentiated with respect to every weight."""
    model, weights, x, labels, _ = case
    x = x.requires_grad_()

    def penalty(bound):
        (slope,) = grad(bound.sum(), x, create_graph=True)
        return grad(slope.square().sum(), list(weights.values()), allow_unused=True)

    found = oracle(x)
    got = penalty(model.losses(x, labels=labels).bound)
    assert sum(each.abs().max() for each in got if each is not None) > 0.1
    same(got, penalty(found["nll"][-1] + found["kl"].sum(0)))


@pytest.mark.slow
def test_building_a_graph_does_not_change_the_first_gradient(case, same):
    model, weights, x, labels, _ = case
    weights = list(weights.values())
    cost = model.losses(x, labels=labels).bound.sum()
    same(grad(cost, weights, create_graph=True), grad(cost, weights))


@pytest.mark.slow  # torch loads its compiler
def test_transforms_of_torch_func_give_the_same_gradients(small, same):
    """They are grad and vjp of the bound as a function of the weights."""
    model, weights, x = small
    named = {name: each.detach() for name, each in model.named_parameters()}

    def bound(changed):
        return torch.func.functional_call(model, named | changed, (x,)).bound.sum()

    wanted = grad(model.losses(x).bound.sum(), weights)
    same(torch.func.grad(bound)(named).values(), wanted)
    _, pull = torch.func.vjp(bound, named)
    same(pull(torch.tensor(1.0, dtype=torch.float64))[0].values(), wanted)


@pytest.mark.slow  # torch loads its compiler
def test_the_hessian_of_the_bound_equals_that_of_plain_autograd(small, oracle_of, close):
    model, _, x = small
    name, value = "posterior.bias", model.posterior.bias.detach()

    def bound(bias):
        return torch.func.functional_call(model, {name: bias}, (x,)).bound.sum()

    wanted = torch.autograd.functional.hessian(oracle_of(model, x, name), value)
    close(torch.autograd.functional.hessian(bound, value), wanted, TIGHT)
    # bool() of the pixels is not allowed in batched transforms; jacrev of grad batches the second pass
    close(torch.func.jacrev(torch.func.grad(bound))(value), wanted, TIGHT)
