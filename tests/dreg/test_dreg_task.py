"""A VAE's training task: training follows the estimator, and its bound is reported."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from labkit import dreg, training
from labkit.dreg import VAE, Config, passes
from labkit.dreg.task import Task
from labkit.training.step import Step

SMALL = {"height": 4, "width": 3, "latent": (3,), "hidden": (5,)}
EVERY = torch.arange(12)
BETA = torch.tensor(1.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def data():
    return (torch.randint(0, 256, (12, 1, 4, 3), dtype=torch.uint8, generator=seeded()),)


def task_of(estimator: str = "dreg", samples: int = 5, config: dict | None = None, **more) -> Task:
    torch.manual_seed(0)
    controls = {"controls": True} if estimator == "dreg-cv" else {}
    return Task(VAE(Config(**SMALL | controls | (config or {}))).double(), estimator, samples, **more)


def bits(weights) -> list[torch.Tensor]:
    return [each.detach().clone() for each in weights]


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# batches


def test_binarisation_samples_again_with_the_probability_of_the_grey(data):
    """The means of 2000 different samples are within five standard errors of the grey; grey and fixed stay."""
    generator, task = seeded(), task_of()
    draws = torch.stack([task.batch(data, EVERY, generator) for _ in range(2000)])
    p = data[0].double() / 255
    assert set(draws.unique().tolist()) == {0.0, 1.0} and not torch.equal(draws[0], draws[1])
    assert ((draws.mean(0) - p).abs() <= 5 * (p * (1 - p) / 2000).sqrt() + 1e-9).all()
    for how in ("grey", "fixed"):
        assert torch.equal(task_of(binarize=how).batch(data, EVERY, generator), p)


# losses


@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_the_loss_has_the_estimators_gradient_and_reports_its_bound(name, data, reference):
    """Gradients of the loss are minus those of the surrogate in both halves, for any value of the loss."""
    parameters = {"alpha": 0.7} if name == "dreg-alpha" else {}
    task = task_of(name, parameters=parameters)
    batch = task.batch(data, EVERY, seeded())
    found = task.loss(task.module, batch, seeded(1), BETA)
    weights = [*task.module.inference, *task.module.generative]
    got = torch.autograd.grad(found["loss"], weights)
    run = passes.run(task.module, batch, 5, generator=seeded(1))
    samples = run.samples()
    wanted = torch.autograd.grad(-dreg.surrogate(samples, name, **parameters).mean(), weights)
    assert all((a - b).abs().max() < 1e-11 * max(1, b.abs().max().item()) for a, b in zip(got, wanted, strict=True))
    bound = sum(reference.bound(name, row) for row in samples.log_w.T.numpy()) / 12
    assert found["bound"].item() == found["loss"].item() == pytest.approx(-bound, rel=1e-11)
    assert found["lx"] == run.nll.mean() and found["lz"] == run.kl.sum(0).mean()


def test_a_second_derivative_of_the_loss_raises_an_error(data):
    """The loss has the estimator's gradient as numbers, so a Hessian of it would be 0."""
    task = task_of()
    loss = task.loss(task.module, task.batch(data, EVERY, seeded()), seeded(1), BETA)["loss"]
    with pytest.raises(RuntimeError, match="second derivatives are not available here .*; use dreg.surrogate"):
        torch.autograd.grad(loss, task.module.inference, create_graph=True)


@pytest.mark.slow
def test_a_step_of_a_task_reads_no_number_from_the_device():
    """Otherwise it could not be a CUDA graph."""

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            read = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
            assert function not in read, function
            return function(*args, **(kwargs or {}))

    for name in ("iwae", "jk-dreg", "rws-dreg-norm", "dreg-cv", "vimco"):
        task = task_of(name)
        x = torch.ones(2, 1, 4, 3, dtype=torch.float64)
        with Watch():
            found = task.loss(task.module, x, seeded(), BETA)
            found["loss"].backward()


def test_a_step_that_is_not_finite_is_skipped(data):
    """With weights of NaN the loop counts the step and continues; the test bound raises an error."""
    task = task_of()
    with torch.no_grad():
        task.module.pixels[4].bias[0] = math.nan
    before = bits(task.module.parameters())
    settings = training.Settings(batch_size=6, devices="cpu", precision="64")
    step = Step(training.devices.launch(settings), task, settings, data)
    step.prepare(EVERY[:6], 0, 10)
    step.advance()
    assert step.read()[1] == 1
    assert all(
        torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(before, bits(task.module.parameters()), strict=True)
    )
    batch = task.batch(data, EVERY, seeded())
    with pytest.raises(ValueError, match="log p.x, z. must be finite, got 12 of 12 images"):
        task.evaluate(task.module, [batch], seeded())


def descend(task: Task, data, steps: int = 3) -> None:
    adam, noise = torch.optim.Adam(task.module.parameters(), 0.01), seeded(7)
    for _ in range(steps):
        adam.zero_grad()
        task.loss(task.module, task.batch(data, EVERY, noise), noise, BETA)["loss"].backward()
        adam.step()


@pytest.mark.parametrize("name", ["dreg", "iwae", "jk", "dreg-cv"])
def test_inference_only_keeps_the_generative_half_bit_for_bit(name, data):
    for only in (True, False):
        task = task_of(name, inference_only=only)
        p, q = bits(task.module.generative), bits(task.module.inference)
        descend(task, data)
        assert same(p, bits(task.module.generative)) is only
        assert not same(q, bits(task.module.inference))


def test_the_generative_half_can_be_trained_again_later(data):
    task = task_of(inference_only=True)
    again = Task(task.module, "dreg", 5)
    p = bits(task.module.generative)
    descend(again, data, 1)
    assert not same(p, bits(task.module.generative))


def test_control_variates_are_trained_and_lower_the_variance(data):
    """The loss gives them the slope of the squared gradient (finite differences); three steps change all."""
    task = task_of("dreg-cv")
    controls, batch = task.module.controls, task.batch(data, EVERY, seeded())
    with torch.no_grad():
        for each, value in zip(controls.values(), (0.2, 0.3, -0.5, 0.1), strict=True):
            each.fill_(value)

    def square(**changed) -> float:
        samples = passes.run(task.module, batch, 5, generator=seeded(1)).samples()
        now = {name: each.item() for name, each in controls.items()} | changed
        loss = -dreg.surrogate(samples, "dreg-cv", **now).mean()
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, task.module.inference)]).square().mean().item()

    got = torch.autograd.grad(task.loss(task.module, batch, seeded(1), BETA)["loss"], list(controls.values()))
    for (name, value), slope in zip(controls.items(), got, strict=True):
        h = 1e-5
        wanted = (square(**{name: value.item() + h}) - square(**{name: value.item() - h})) / (2 * h)
        assert abs(slope - wanted) < 1e-6 * max(abs(wanted), 1e-3), name
    before = bits(controls.values())
    descend(task, data)
    assert not any(torch.equal(a, b) for a, b in zip(before, controls.values(), strict=True))


# evaluation


def test_the_test_bound_is_the_mean_over_images_not_batches(data):
    """The batches have 5, 5 and 2 images, with noise of the same generator; equal seeds give equal numbers."""
    task = task_of()
    batches = [task.batch(data, index, seeded(2)) for index in EVERY.split(5)]
    found, noise = task.evaluate(task.module, batches, seeded(3)), seeded(3)
    runs = [passes.run(task.module, x, 5, generator=noise) for x in batches]
    assert found["bound"] == pytest.approx(-torch.cat([run.bound for run in runs]).mean().item(), rel=1e-12)
    assert found["lx"] == pytest.approx(torch.cat([run.nll.mean(0) for run in runs]).mean().item(), rel=1e-12)
    kl = torch.cat([run.kl.mean(1) for run in runs], 1).mean(1).tolist()
    assert found["kl"] == pytest.approx(kl, rel=1e-12) and found["lz"] == pytest.approx(sum(kl), rel=1e-12)
    assert task.evaluate(task.module, batches, seeded(3)) == found
    assert task.evaluate(task.module, batches, seeded(4)) != found


@pytest.mark.parametrize("name", ["vae", "jk"])
def test_the_test_bound_is_the_same_for_all_estimators(name, data):
    """It is L, so that networks can be compared, while the loss reports the estimator's own bound."""
    task, other = task_of(name), task_of("dreg")
    x = task.batch(data, EVERY, seeded(2))
    both = [each.evaluate(each.module, [x], seeded(3))["bound"] for each in (task, other)]
    assert both[0] == both[1] != pytest.approx(task.loss(task.module, x, seeded(3), BETA)["bound"].item(), abs=1e-3)


def test_two_layers_have_two_kl_divergences(data):
    task = task_of(config={"latent": (4, 2), "hidden": (5, 6)})
    found = task.evaluate(task.module, [task.batch(data, EVERY, seeded())], seeded())
    assert len(found["kl"]) == 2 and found["lz"] == pytest.approx(sum(found["kl"]))


def test_a_sheet_shows_the_prior_and_networks_of_halves_have_no_sheet():
    task = task_of()
    sheet = task.sheet(task.module, seeded(4))
    first = task.module.generate(100, generator=seeded(4))[0, 0]
    assert sheet.shape == (49, 39) and abs(torch.from_numpy(sheet[:4, :3] / 255.0) - first).max() <= 0.5 / 255 + 1e-9
    halves = task_of(config={"halves": "bottom"})
    assert halves.sheet(halves.module, seeded()) is None


def test_the_task_records_its_data_and_estimator():
    task = task_of("dreg-alpha", 7, parameters={"alpha": 0.5}, data="toy", inference_only=True)
    assert task.facts == {
        "data": "toy", "binarisation": "stochastic", "estimator": "dreg-alpha", "samples": "7",
        "inference_only": "True", "alpha": "0.5",
    }  # fmt: skip
    assert Config(**task.config) == task.module.config


@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        ({"estimator": "drag"}, ValueError, "the estimator must be one of iwae, stl, dreg"),
        ({"estimator": "jk", "samples": 1}, ValueError, "jk needs at least K = 2 samples, got 1"),
        ({"samples": 0}, ValueError, "dreg needs at least K = 1 samples, got 0"),
        ({"binarize": "static"}, ValueError, "binarize must be one of stochastic, fixed, grey, got 'static'"),
        ({"parameters": {"alpha": 0.5}}, TypeError, "dreg takes no parameters; got alpha"),
        ({"config": {"controls": True}}, ValueError, "the network of dreg must be one without control variates"),
        (
            {"estimator": "dreg-cv", "config": {"controls": False}},
            ValueError,
            "the network of dreg-cv must be one with control variates; use VAE(Config(controls=True))",
        ),
    ],
)
def test_wrong_tasks_raise_a_short_error(wanted, error, said):
    with pytest.raises(error) as caught:
        task_of(**wanted)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_active_units_are_reported_with_the_bound():
    torch.manual_seed(0)
    module = VAE(Config(height=4, width=4, latent=(6,), hidden=(8,)))
    with torch.no_grad():
        module.q[0].net[4].weight[:2] = 0.0  # two means are the same for every image
    task, generator = Task(module, samples=3), torch.Generator().manual_seed(1)
    x = torch.bernoulli(torch.full((40, 1, 4, 4), 0.5), generator=generator)
    found = task.evaluate(module, list(x.split(10)), generator)
    means = module.infer(x.flatten(1))[0]
    assert found["active"] == int((means.var(0) >= 0.01).sum()) <= 4
    assert task.evaluate(module, [x[:1]], generator)["active"] == 0
