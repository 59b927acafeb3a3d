"""The laboratory: every estimator at every K from one set of samples, as a stream that can be kept and repeated."""

import subprocess
from functools import partial
from itertools import islice

import pytest
import torch

from labkit.bench import dreg as bench
from labkit.dreg import gaussian, laboratory
from labkit.dreg.fast import laboratory as fast
from labkit.stream import iterate


def test_one_sample_has_variances_8_3_and_1_6(checks):
    checks.one_sample_varies_by_8_3_and_1_6()


def test_the_laboratory_agrees_with_exact_values(checks):
    checks.laboratory_agrees_with_exact_answers()


def test_merged_moments_equal_those_of_all_samples(checks):
    checks.merged_moments_are_those_of_all()


def test_chunks_do_not_change_the_statistics(monkeypatch, checks):
    """The noise of a step is sampled in chunks of whole replicates, and the statistics cover all of them."""
    toy = gaussian.instance(4)
    one = checks.run(toy, ("iwae",), (1, 8), 20)
    monkeypatch.setitem(fast.ENTRIES, "cpu", 3 * 8 * 4)
    many = checks.run(toy, ("iwae",), (1, 8), 20)
    assert many.n == one.n == 20
    assert (many.gradients.mean - one.gradients.mean).abs().max() < 1e-12


def test_states_can_be_kept_branched_and_repeated():
    toy = gaussian.instance(3)

    def states(seed):
        step = partial(laboratory.step, toy=toy, generator=torch.Generator().manual_seed(seed), replicates=8)
        return list(islice(iterate(step, laboratory.start(toy, ("iwae", "stl"), (1, 4))), 4))

    a, b, other = states(0), states(0), states(1)
    assert [state.n for state in a] == [0, 8, 16, 24] and [state.t for state in a] == [0, 1, 2, 3]
    assert torch.equal(a[3].variance, b[3].variance) and not torch.equal(a[3].variance, other[3].variance)
    assert not torch.equal(a[2].gradients.mean, a[3].gradients.mean)
    again = laboratory.step(a[1], toy, generator=torch.Generator().manual_seed(5), replicates=8)
    assert again.n == 16 and a[1].n == 8
    assert torch.equal(a[1].gradients.mean, b[1].gradients.mean)


def test_only_estimators_without_a_value_at_one_sample_are_nan_there(checks):
    state = checks.run(gaussian.instance(3, 0.5), ("jk", "vimco", "dreg"), (1, 4), 50)
    assert state.variance[:2, 0].isnan().all() and state.snr[:2, 0].isnan().all()
    assert state.variance[:, 1].isfinite().all() and state.variance[2].isfinite().all()


def test_the_test_finds_exactly_the_biased_estimators(checks):
    checks.bias_is_told_from_none()


def test_hotelling_equals_the_textbook_formula(checks):
    checks.hotelling_is_that_of_the_textbook()


def test_opposite_biases_cancel_in_a_scalar_test_but_not_in_hotelling():
    """The published check sums coordinates before its t, so (+, -) looks like no bias."""
    from labkit.dreg import statistics

    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x + torch.tensor([0.5, -0.5])
    whole = statistics.crossed(x)
    assert statistics.hotelling(400, whole.mean, whole.variance)[1] < 1e-12
    summed = x.sum(1)
    assert statistics.t_test(400, summed.mean(), summed.var())[1] > 1e-3


def test_dreg_has_no_bias_against_itself_and_few_samples_give_nan(checks):
    few = checks.run(gaussian.instance(20), ("dreg", "iwae"), (1, 4), 10)
    p = few.bias_test()[1]
    assert (p[0] == 1).all() and p[1].isnan().all()
    assert (few.bias_t()[1][0] == 1).all()


def test_with_the_posterior_as_proposal_all_paths_are_zero(checks):
    state = checks.run(gaussian.instance(20, 0.0, 0.5), ("dreg", "stl", "dreg-norm", "iwae"), (1, 16), 4000)
    assert (state.gradients.mean[:3] == 0).all() and (state.gradients.spread[:3] == 0).all()
    wanted = 2 / torch.tensor([1.0, 16.0])
    assert (state.variance[3] / wanted - 1).abs().max() < 5 * (2 / (4000 * 20)) ** 0.5
    assert (state.sample_size.mean - torch.tensor([1.0, 16.0])).abs().max() < 1e-10


def test_snr_direction_and_error_follow_their_definitions(checks):
    toy = gaussian.instance(4, 0.8)
    state = checks.run(toy, ("iwae", "stl", "dreg"), (1, 8), 500)
    total = state.gradients.variance.sum(-1).sqrt()
    quiet, own = state.reference.mean.norm(dim=-1), state.gradients.mean.norm(dim=-1)
    assert torch.equal(state.snr, torch.stack([quiet, own[1], quiet]) / total)
    assert (state.mean_squared_error - state.bias.square().sum(-1) - total.square()).abs().max() < 1e-12
    assert torch.equal(state.reference.mean, state.gradients.mean[2])
    assert state.direction_snr.shape == (3, 2) and state.direction_snr.isfinite().all()
    assert checks.run(gaussian.line(0.0, 1.0, 0.0), ("iwae",), (1, 8), 5).direction_snr.isnan().all()


def test_the_direction_ratio_agrees_with_geometry(monkeypatch):
    """At K = 1 with noise e the path gradient is d/s along the direction plus slope e, which gives the ratio."""
    toy = gaussian.instance(2, 1.0)
    e = torch.tensor([[[0.3, -0.2]]], dtype=torch.float64)
    monkeypatch.setattr(fast, "noise", lambda *a: e)
    state = laboratory.step(laboratory.start(toy, ("stl",), (1,)), toy, generator=torch.Generator(), replicates=1)
    g = -toy.offset / 0.5 + toy.path_slope * e[0, 0]
    along = g @ toy.direction
    assert abs(state.direction_snr[0, 0] - along.abs() / (g - along * toy.direction).norm()) < 1e-12


def test_ess_and_tail_agree_with_theory(checks):
    """ESS/K -> 1/M2. If q is too narrow, weights have k = 1 - V/s and a log correction; at V = 2/3 they are bounded."""
    toy = gaussian.instance()
    state = checks.run(toy, ("dreg",), (1, 1024), 100)
    assert abs(state.sample_size.mean[1] / 1024 * toy.second_moment - 1) < 0.02
    assert state.tail.mean < 0.2
    assert checks.run(gaussian.instance(1, 0.0, 0.1), ("dreg",), (1, 1024), 100).tail.mean > 0.5
    assert (state.entropies.mean - torch.tensor([1024.0]).log() * torch.tensor([0.0, 1.0]))[0].abs() < 1e-12


@pytest.mark.slow
def test_measured_slopes_of_the_instance_agree_with_the_reference(checks):
    """It uses simulation, not `exact`: 4000 replicates give slopes to .05, in some seconds."""
    sizes = tuple(2**i for i in range(4, 11))
    state = checks.run(gaussian.instance(), ("iwae", "dreg", "stl"), sizes, 500, steps=8)
    k = torch.tensor(sizes).double().log()
    k = k - k.mean()
    slopes = torch.stack([(k * each.log()).sum(-1) / (k * k).sum() for each in (state.variance, state.snr)])
    wanted = torch.tensor([[-1.00, -2.94, -1.00], [-0.50, 0.47, 0.49]], dtype=torch.float64)
    assert (slopes - wanted).abs().max() < 0.05


def test_the_three_ways_of_the_benchmark_give_the_same_gradients(monkeypatch):
    """For the same noise, the loop, vmap and the laboratory agree."""
    toy, case = gaussian.instance(3, 0.8), bench.Case(3, (1, 4), 2, 2, 1)
    kept = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    monkeypatch.setattr(fast, "noise", lambda r, k, *_: kept[:1, :k].expand(r, k, 3))
    loop, mapped = (way(case, toy, torch.Generator(), 2) for way in (bench.loop, bench.mapped))
    assert loop.shape == mapped.shape == (2, 2, 3, 3) and (loop - mapped).abs().max() < 1e-12
    first = laboratory.start(toy, bench.ESTIMATORS, case.sizes)
    state = laboratory.step(first, toy, generator=torch.Generator(), replicates=2)
    assert (state.gradients.mean.transpose(0, 1) - loop.mean(1)).abs().max() < 1e-12


@pytest.mark.slow
def test_the_benchmark_shows_every_way_with_its_limit(monkeypatch):
    import io

    from rich.console import Console

    monkeypatch.setattr(bench, "CASE", bench.Case(2, (1, 4), 3, 2, 1))
    out = io.StringIO()
    rows = bench.run(quick=True, console=Console(file=out, width=90))
    assert [row.way for row in rows] == ["labkit", "noise in float64", "loop", "vmap"]
    assert "/25" in out.getvalue() and "/6" in out.getvalue() and "…" not in out.getvalue()
    assert bench.Case() == bench.Case(20, tuple(2**i for i in range(11)), 1000, 50, 5)


ALONE = """
import torch
from labkit.dreg import gaussian, laboratory

def alone(seed):
    toy, generator = gaussian.instance(dim=3), torch.Generator().manual_seed(seed)
    first = laboratory.start(toy, ("iwae", "stl"), sizes=(1, 4))
    return laboratory.step(first, toy, generator=generator, replicates=50)
"""
GATHER = """
import sys
rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
found = laboratory.gathered(alone((3, 4)[rank]))
if rank == 0:
    torch.save({"n": found.n, "t": found.t, "variance": found.variance, "bias": found.bias}, f"{folder}/found.pt")
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_processes_gather_all_measurements(python, tmp_path):
    """Two processes of a gloo group; the first one saves what both have gathered."""
    both = [subprocess.Popen([*python, "-c", ALONE + GATHER, str(rank), str(tmp_path)]) for rank in (0, 1)]
    assert [process.wait(timeout=90) for process in both] == [0, 0]
    names = {}
    exec(ALONE, names)
    found, one = torch.load(tmp_path / "found.pt"), laboratory.merged(names["alone"](3), names["alone"](4))
    assert (found["n"], found["t"]) == (100, 2)
    assert torch.equal(found["variance"], one.variance) and torch.equal(found["bias"], one.bias)
    assert laboratory.gathered(one) is one  # a single process has nothing to gather
