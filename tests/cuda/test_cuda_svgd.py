"""SVGD on a pretended GPU: all combinations stay on their device, give the CPU's numbers and rarely wait."""

import itertools

import pytest
import torch

from labkit import baselines, svgd, targets

pytestmark = pytest.mark.slow  # every operation goes through Python twice

PARTICLES = 12
PARTS = ("x", "phi", "drive", "repulsion", "score", "bandwidth", "ksd")


def particles(target: targets.Target, device: str, n: int = PARTICLES) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, target.dim, generator=generator).to(device)


def after(steps: int, target: targets.Target, device: str, n: int = PARTICLES, **settings) -> svgd.State:
    stream = svgd.flow(target, particles(target, device, n), **settings)
    return next(itertools.islice(stream, steps, None))


@pytest.mark.parametrize("name", targets.TARGETS)
def test_every_kernel_and_rule_runs_on_every_target(ledger, name):
    """The optimisers see only a direction, so they alternate."""
    target, optimizers = targets.make(name), itertools.cycle(svgd.OPTIMIZERS.values())
    for kernel, rule in itertools.product(svgd.KERNELS.values(), svgd.RULES):
        state = after(1, target, "cuda", kernel=kernel, bandwidth=rule, optimizer=next(optimizers)(0.01))
        assert all(getattr(state, part).is_cuda for part in PARTS)


@pytest.mark.parametrize("name", svgd.OPTIMIZERS)
@pytest.mark.parametrize("kernel", svgd.KERNELS)
def test_the_numbers_equal_those_on_the_cpu(ledger, kernel, name):
    target, settings = (
        targets.make("banana"),
        {"kernel": svgd.KERNELS[kernel], "optimizer": svgd.OPTIMIZERS[name](0.05)},
    )
    ours, expected = (after(2, target, device, **settings) for device in ("cuda", "cpu"))
    for part in PARTS:
        torch.testing.assert_close(getattr(ours, part).cpu(), getattr(expected, part), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [PARTICLES, 300])
@pytest.mark.parametrize("rule", svgd.RULES)
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_a_step_waits_for_the_device_twice(ledger, dim, rule, n):
    """The two waits check whether the score is finite, and whether particles are too far apart for the fast sums.

    The median of many particles on a line is found on the host.
    """
    target = targets.make("normal", dim=dim)
    state = after(1, target, "cuda", n, bandwidth=rule)
    ledger.clear()
    svgd.step(state, target, bandwidth=rule)
    moved = 1 if dim == 1 and n > 256 and rule in ("median", "paper") else 0
    assert ledger.count("download") == ledger.count("upload") == moved, ledger.table()
    assert ledger.count() - 2 * moved <= 2, ledger.table()


def test_the_other_functions_of_svgd_stay_on_the_device(ledger):
    target = targets.make("banana")
    state, generator = after(2, target, "cuda"), torch.Generator("cuda").manual_seed(0)
    sample = baselines.State(state.x)
    assert svgd.phi(state.x, target).is_cuda
    assert svgd.ksd(state.x, target, bandwidth=1.0).is_cuda
    assert svgd.mmd(state.x, state.x + 1, bandwidth=1.0).is_cuda
    assert all(part.is_cuda for part in svgd.pulls(state, 3))
    assert svgd.evaluate(state, target, kernel=svgd.IMQ()).phi.is_cuda
    assert svgd.SVGD().update(state.x, target.score, n_iter=2, stepsize=0.1).is_cuda
    assert baselines.langevin(sample, target.score, step_size=0.01, generator=generator).x.is_cuda
    assert baselines.independent(sample, target, generator=torch.Generator().manual_seed(0)).x.is_cuda
