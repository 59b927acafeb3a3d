"""A pass of the network agrees with a second version of the paper, with its invariances, and with its cheaper ways."""

import math
from dataclasses import replace

import pytest
import torch
from torch.autograd import gradcheck

from labkit import draw
from labkit.draw import attention

FIELDS = ("canvas", "z", "mu", "sigma", "nll", "kl")


@pytest.fixture
def case(make, images, config, noisy, normal):
    """A network of every kind, three images, their labels, and the noise that it will use."""
    x, labels = images(config)
    noise = normal(config.steps, len(x), config.latent, seed=5)
    noisy(noise)
    return make(config), x, labels, noise


def _tensors(trace) -> dict[str, torch.Tensor]:
    flat = {}
    for name, value in vars(trace).items():
        if isinstance(value, attention.Window):
            flat |= {f"{name}.{field}": part for field, part in value._asdict().items()}
        elif value is not None:
            flat[name] = value
    return flat


# compared with the second version


def test_a_pass_agrees_with_the_papers_equations(case, reference, close):
    model, x, labels, noise = case
    trace = model(x, labels=labels)
    wanted = reference.run(model.config, {"canvas": model.canvas, **dict(model.named_parameters())}, x, noise, labels)
    for name in FIELDS:
        close(getattr(trace, name), wanted[name], 1e-12)
    close(trace.bound, wanted["nll"][-1] + wanted["kl"].sum(0), 1e-12)


def test_gradients_equal_those_of_plain_autograd(checks, reference, config):
    """These are the gradients of every weight, which labkit sums in place, and of the image."""
    checks.gradients_are_plain_autograds(reference, config)


@pytest.mark.slow
@pytest.mark.parametrize("off", [(), ("read", "write")])
def test_gradients_of_the_losses_equal_finite_differences(make, images, rng, off):
    size = {"height": 2, "width": 3, "steps": 2, "hidden": 2, "latent": 1, "read": 2, "write": 2, "classes": 2}
    model = make(draw.Config(**size | dict.fromkeys(off), canvas="learned"))
    x, labels = images(model.config, 2)

    def losses(*_):
        found = model.losses(x, labels=labels, generator=rng(3))
        return found.nll, found.kl

    assert gradcheck(losses, (*model.parameters(), x.requires_grad_()))


@pytest.mark.parametrize("frozen", ["encoder", "decoder", "stroke", "posterior"])
def test_a_frozen_part_does_not_change_the_other_gradients(make, images, configs, close, rng, frozen):
    model, (x, _) = make(configs["attention"]), images(configs["attention"])
    model.losses(x, generator=rng()).bound.sum().backward()
    wanted = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad(set_to_none=True)
    getattr(model, frozen).requires_grad_(False)
    model.losses(x, generator=rng()).bound.sum().backward()
    for name, weight in model.named_parameters():
        if name.startswith(frozen):
            assert weight.grad is None
        else:
            close(weight.grad, wanted[name], 1e-13)


def test_gradients_add_up_over_passes_and_over_two_losses_of_one_pass(make, images, configs, close, rng):
    """Two images, and nll and KL of one graph, are used separately and together; one pass between is not used."""
    model, (x, _) = make(configs["attention"]), images(configs["attention"])
    weights = list(model.parameters())
    first, second = model.losses(x, generator=rng(1)), model.losses(x, generator=rng(2))
    model.losses(x, generator=rng(3))
    parts = [
        torch.autograd.grad(part.sum(), weights, retain_graph=True, allow_unused=True, materialize_grads=True)
        for part in (first.nll, first.kl, second.bound)
    ]
    again = model.losses(x, generator=rng(1)).bound.sum() + model.losses(x, generator=rng(2)).bound.sum()
    for a, b, c, wanted in zip(*parts, torch.autograd.grad(again, weights), strict=True):
        close(a + b + c, wanted, 1e-12)


def test_a_gradient_of_a_middle_z_does_not_change_a_later_gradient(make, images, configs, close, rng):
    """First the gradient of the last z, whose backward pass does not reach the first step, then that of the weights."""
    model, (x, _) = make(configs["attention"]), images(configs["attention"])
    weights = list(model.parameters())

    def ink():
        looked, drawn = list(model.steps(x, None, rng()))[-1]
        return looked.z, draw.negative_log_likelihood(drawn.canvas, x).sum()

    wanted = torch.autograd.grad(ink()[1], weights)
    z, cost = ink()
    torch.autograd.grad(cost, z, retain_graph=True)
    for got, right in zip(torch.autograd.grad(cost, weights), wanted, strict=True):
        close(got, right, 1e-12)


# noise


def test_constants_made_in_inference_mode_work_with_autograd_later(make, images, configs, rng):
    config = replace(configs["attention"], height=7, width=11)  # a size that no other test uses
    model, (x, _) = make(config), images(config, 1)
    with torch.inference_mode():
        model(x, generator=rng(0))
    model.losses(x, generator=rng(0)).bound.sum().backward()


def test_every_step_has_new_noise(checks, config):
    checks.noise_is_fresh_at_every_step(config)


@pytest.mark.parametrize("t", [0, 1, 2])
def test_noise_of_a_step_changes_only_its_z_and_later_steps(make, images, configs, noisy, normal, close, t):
    config = configs["attention"]
    model, (x, _), noise = make(config), images(config), normal(3, 3, config.latent)
    noisy(noise)
    before = model(x)
    other = noise.clone()
    other[t] += 1
    noisy(other)
    after = model(x)
    for name in ("z", "canvas", "patch", "nll"):
        assert torch.equal(getattr(after, name)[:t], getattr(before, name)[:t])
    for name in ("mu", "sigma", "kl", "glimpse"):  # also those of this step, which come before its noise
        assert torch.equal(getattr(after, name)[: t + 1], getattr(before, name)[: t + 1])
    close(after.z[t] - before.z[t], before.sigma[t], 1e-12)
    assert (after.canvas[t:] != before.canvas[t:]).any((-3, -2, -1)).all()


def test_equal_seeds_give_equal_runs_and_no_global_seed_is_set(case, monkeypatch, rng):
    monkeypatch.undo()  # the network's own noise
    model, x, labels, _ = case
    state = torch.get_rng_state()
    a, b, c = (_tensors(model(x, labels=labels, generator=rng(seed))) for seed in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["z"], c["z"])
    a, b, c = (_tensors(model.generate(3, labels=labels, generator=rng(seed))) for seed in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["z"], c["z"])
    assert torch.equal(torch.get_rng_state(), state)


def test_a_pass_keeps_the_input_and_earlier_traces_unchanged(case):
    model, x, labels, noise = case
    given = [x, noise, model.canvas, *model.parameters()] + ([] if labels is None else [labels])
    before = [each.detach().clone() for each in given]
    trace = model(x, labels=labels)
    kept = {name: value.detach().clone() for name, value in _tensors(trace).items()}
    model(1 - x, labels=labels).bound.sum().backward()
    model.losses(1 - x, labels=labels)
    model.generate(3, labels=labels, z=noise)
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))
    assert all(torch.equal(value, kept[name]) for name, value in _tensors(trace).items())


# ways that must agree


def test_losses_equal_those_of_the_full_pass(case):
    model, x, labels, _ = case
    trace, losses = model(x, labels=labels), model.losses(x, labels=labels)
    assert torch.equal(losses.nll, trace.nll[-1])
    assert torch.equal(losses.kl, trace.kl)
    assert torch.equal(losses.bound, trace.bound)


def test_generating_from_the_same_z_gives_the_same_images(case, close):
    model, x, labels, _ = case
    trace = model(x, labels=labels)
    again = model.generate(len(x), labels=labels, z=trace.z)
    wanted = _tensors(trace)
    for name, value in _tensors(again).items():
        close(value, wanted[name], 1e-13)
    assert {"canvas", "z", "start"} <= set(_tensors(again))
    assert again.mu is again.kl is again.bound is again.read is again.glimpse is None


def test_an_image_is_reconstructed_the_same_in_any_batch(case, close, noisy):
    model, x, labels, noise = case
    together = _tensors(model(x, labels=labels))
    for b in range(len(x)):
        noisy(noise[:, b : b + 1])
        alone = _tensors(model(x[b : b + 1], labels=None if labels is None else labels[b : b + 1]))
        for name in set(alone) - {"start"}:
            whole = together[name][b] if name == "bound" else together[name][:, b]
            close(alone[name].squeeze(0 if name == "bound" else 1), whole, 1e-12)


def test_the_fields_of_a_trace_are_consistent(case, close):
    """The public fields give canvas, glimpse and images, so a view recomputes nothing."""
    model, x, labels, _ = case
    c, trace = model.config, model(x, labels=labels)
    before = torch.cat([trace.start.expand_as(trace.canvas[:1]), trace.canvas[:-1]])
    assert torch.equal(trace.images, trace.canvas.sigmoid())
    close(trace.bound, trace.nll[-1] + trace.kl.sum(0), 1e-14)
    if c.write:
        close(before + attention.write(trace.patch, trace.write, c.height, c.width), trace.canvas, 1e-12)
    else:
        assert trace.patch is trace.write is None
    if c.read:
        both = torch.cat([x.expand_as(before), x - before.sigmoid()], 2)
        close(attention.read(both, trace.read, c.read), trace.glimpse, 1e-12)
    else:
        assert trace.glimpse is trace.read is None


def test_temperature_scales_z(make, configs, close, rng):
    model = make(configs["attention"])
    whole, half, none = (model.generate(4, temperature=t, generator=rng()) for t in (1, 0.5, 0))
    close(half.z, 0.5 * whole.z, 1e-15)
    assert not none.z.any()
    close(none.canvas, none.canvas[:, :1].expand_as(none.canvas), 1e-14)  # without noise all images are the same


# values known in advance


@pytest.mark.parametrize("name", ["ericjang", "ericjang-full", "cifar10"])
def test_an_empty_canvas_costs_one_bit_per_pixel(name):
    """With all weights 0, q is the prior, the canvas stays 0, and every pixel costs ln 2 (543.4274 nats for 784)."""
    config = replace(draw.PRESETS[name], hidden=8, steps=3)
    model = draw.DRAW(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    x = torch.rand(4, config.channels, config.height, config.width, generator=torch.Generator().manual_seed(0))
    trace = model(x)
    wanted = {"cifar10": 3072}.get(name, 784) * math.log(2)
    assert not trace.kl.any() and not trace.canvas.any()
    assert (trace.bound - wanted).abs().max() < wanted * config.pixels * torch.finfo(torch.float32).eps


@pytest.mark.parametrize(("name", "count"), [("ericjang", 864_055), ("ericjang-full", 2_610_980)])
def test_parameter_counts_equal_the_originals_with_one_bias_per_lstm(name, count):
    """draw.md, 5: 866,103 and 2,613,028 with two biases of 1024 in each of the two."""
    assert sum(weight.numel() for weight in draw.DRAW(draw.PRESETS[name]).parameters()) == count


@pytest.mark.parametrize(
    ("name", "wanted"),
    {
        "ericjang": (1, 28, 10, 256, 10, 5, 5),
        "ericjang-full": (1, 28, 10, 256, 10, None, None),
        "mnist": (1, 28, 64, 256, 100, 2, 5),
        "mnist-full": (1, 28, 64, 256, 100, None, None),
        "mnist-10": (1, 28, 10, 256, 100, 2, 5),
        "svhn": (3, 32, 32, 800, 100, 12, 12),
        "svhn-512": (3, 32, 32, 512, 100, 5, 5),
        "cifar10": (3, 32, 64, 400, 200, 5, 5),
    }.items(),
)
def test_presets_equal_those_of_the_paper_and_the_originals(name, wanted):
    """draw.md, 1 and 2: channels, side, T, LSTM, z, read, write; all start with an empty canvas and have no classes."""
    c = draw.preset(name)
    assert (c.channels, c.height, c.steps, c.hidden, c.latent, c.read, c.write) == wanted
    assert c.width == c.height and c.canvas == "zero" and c.classes == 0
    assert c.pixels == c.channels * c.height * c.width


def test_a_new_network_has_open_forget_gates_and_weights_in_bounds():
    cell = draw.DRAW(draw.PRESETS["digits"]).encoder
    assert cell.bias[64:128].eq(1).all() and not cell.bias[:64].any() and not cell.bias[128:].any()
    assert cell.weight.abs().max() <= 64**-0.5


# kinds of network


def test_labels_change_the_image_and_the_bound(make, images, configs, rng):
    config = configs["labels"]
    model, (x, labels) = make(config), images(config)
    other = (labels + 1) % config.classes
    a, b = (model.generate(3, labels=each, generator=rng()) for each in (labels, other))
    assert torch.equal(a.z, b.z)
    assert (a.canvas != b.canvas).any((-3, -2, -1)).all()
    a, b = (model.losses(x, labels=each, generator=rng()).bound for each in (labels, other))
    assert (a != b).all()


def test_a_learned_canvas_starts_at_zero_and_learns(images, configs):
    config = configs["learned canvas"]
    model, (x, _) = draw.DRAW(config).double(), images(config)
    assert not model.canvas.any()
    model.losses(x).bound.sum().backward()
    assert model.canvas.grad.all()
    assert "canvas" in model.state_dict()


def test_a_data_canvas_starts_at_the_logits_of_the_mean(images, configs, close):
    """The mean is limited to 1 to 99 %, because a pixel that is always 0 would have a logit of minus infinity."""
    config = configs["data canvas"]
    model, (x, _) = draw.DRAW(config), images(config, 50, torch.float32)
    x[:, :, 0], x[:, :, 1] = 0, 1
    model.begin_at(x)
    mean = x.mean(0)
    assert torch.allclose(model.canvas.sigmoid()[:, 2:], mean[:, 2:], rtol=1e-5, atol=0)
    assert torch.allclose(model.canvas[:, :1], torch.tensor(-math.log(99)), rtol=1e-5)
    assert torch.allclose(model.canvas[:, 1:2], torch.tensor(math.log(99)), rtol=1e-4)
    other = draw.DRAW(config)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.canvas, model.canvas) and torch.equal(other(x).start, model.canvas)
    assert "canvas" not in dict(model.named_parameters())


def test_an_empty_canvas_is_not_part_of_the_state_dict():
    assert "canvas" not in draw.DRAW(draw.PRESETS["small"]).state_dict()


# under bfloat16


def test_mixed_precision_rounds_only_the_large_products(config, make, images, noisy, normal):
    """Everything stays float32; losses differ by less than 1 %, the gradient by less than 5 % (a product by 2^-8)."""
    model, (x, labels) = make(config, torch.float32, 0.3), images(config, dtype=torch.float32)
    noisy(normal(config.steps, len(x), config.latent).float())
    wanted = model.losses(x, labels=labels)
    right = torch.autograd.grad(wanted.bound.sum(), list(model.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        trace = model(x, labels=labels)
        losses = model.losses(x, labels=labels)
        drawn = model.generate(3, labels=labels, z=trace.z)
    assert not torch.equal(losses.bound, wanted.bound)
    for each in (_tensors(trace), losses._asdict(), _tensors(drawn)):
        assert {value.dtype for value in each.values()} == {torch.float32}
    assert ((losses.bound - wanted.bound).abs() <= 0.01 * wanted.bound).all()
    got = torch.autograd.grad(losses.bound.sum(), list(model.parameters()))
    assert all(each.dtype == torch.float32 and each.isfinite().all() for each in got)
    got, right = (torch.cat([each.flatten() for each in gradient]) for gradient in (got, right))
    assert (got - right).norm() <= 0.05 * right.norm()


def test_mixed_precision_is_restored_after_a_pass_even_if_it_did_not_finish(make, images, configs):
    model, (x, _) = make(configs["attention"], torch.float32), images(configs["attention"], dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        model(x)
        assert torch.is_autocast_enabled("cpu")
        for _ in model.steps(x, None, None):
            break
        assert torch.is_autocast_enabled("cpu")


# learning


@pytest.mark.slow
@pytest.mark.parametrize("off", [(), ("read", "write")])
def test_training_on_one_image_reaches_less_than_five_nats(off, rng):
    """It starts at 64 ln 2 = 44 nats; an image that is always the same needs no z and costs nothing."""
    torch.manual_seed(0)
    size = {"height": 8, "width": 8, "steps": 3, "hidden": 24, "latent": 2, "read": 2, "write": 5}
    model, generator = draw.DRAW(draw.Config(**size | dict.fromkeys(off))), rng()
    x = torch.zeros(1, 1, 8, 8)
    x[..., 1:7, 1:7] = 1
    x[..., 3:5, 3:5] = 0
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(300):
        optimizer.zero_grad()
        model.losses(x.expand(4, -1, -1, -1), generator=generator).bound.mean().backward()
        optimizer.step()
    assert model.losses(x.expand(200, -1, -1, -1), generator=generator).bound.mean() < 5
