"""A run is a stream of states: nothing is overwritten, any state continues exactly, equal seeds give equal bits."""

from dataclasses import fields, replace
from itertools import islice

import pytest
import torch

from labkit import svgd, targets
from labkit.svgd.state import memory_of

TENSORS = ("x", "score", "phi", "drive", "repulsion", "bandwidth", "ksd")


def same(a: svgd.State, b: svgd.State) -> bool:
    """Return whether two states agree bit for bit, including the optimiser's memory."""
    return a.t == b.t and all(torch.equal(getattr(a, f), getattr(b, f)) for f in TENSORS) and _equal(a.memory, b.memory)


def _equal(a, b) -> bool:
    if isinstance(a, tuple):
        return all(map(_equal, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.fixture(params=["adagrad", "adam", "plain"])
def optimizer(request):
    return svgd.OPTIMIZERS[request.param](0.1)


def test_start_keeps_the_input_unchanged_and_does_not_store_it(draw):
    x0 = draw(30, 2)
    kept = x0.clone()
    first, last = islice(svgd.flow(torch.neg, x0), 0, 11, 10)
    svgd.SVGD().update(x0, torch.neg, n_iter=10)
    array = x0.numpy()
    svgd.SVGD().update(array, lambda x: -x, n_iter=10)
    assert torch.equal(x0, kept)
    x0.zero_()
    assert torch.equal(first.x, kept) and not torch.equal(last.x, kept)


def test_particles_with_requires_grad_give_detached_states(draw):
    state = svgd.start(draw(10, 2).requires_grad_(), targets.from_log_prob(lambda x: -(x**4).sum(-1)))
    assert not any(getattr(state, name).requires_grad for name in TENSORS)


def test_all_fields_of_a_state_are_evaluated_at_its_x(draw):
    target = targets.make("banana")
    for state in islice(svgd.flow(target, draw(30, 2)), 5):
        again = svgd.start(state.x, target)
        assert same(replace(again, t=state.t, memory=state.memory), state)
        assert torch.equal(state.phi, state.drive + state.repulsion)
        assert torch.equal(state.ksd, svgd.ksd(state.x, target))
        assert torch.allclose(state.phi, svgd.phi(state.x, target), rtol=0, atol=1e-14)


def test_kept_states_differ_and_do_not_change_later(draw, optimizer):
    states, copies = [], []
    for state in islice(svgd.flow(torch.neg, 3 + draw(20, 2), optimizer=optimizer), 6):
        states.append(state)
        copies.append({name: getattr(state, name).clone() for name in TENSORS})
    assert [state.t for state in states] == list(range(6))
    assert all(torch.equal(getattr(s, name), c[name]) for s, c in zip(states, copies, strict=True) for name in TENSORS)
    assert not any(torch.equal(a.x, b.x) for a, b in zip(states, states[1:], strict=False))
    with pytest.raises(AttributeError):
        states[0].x = states[1].x


def test_a_run_continues_exactly_from_any_state(draw, optimizer):
    states = list(islice(svgd.flow(torch.neg, 3 + draw(20, 2), optimizer=optimizer), 9))
    again = states[4]
    for wanted in states[5:]:
        again = svgd.step(again, torch.neg, optimizer=optimizer)
        assert same(again, wanted)


def test_replace_and_evaluate_with_the_same_particles_changes_nothing(draw, optimizer):
    states = list(islice(svgd.flow(torch.neg, 3 + draw(20, 2), optimizer=optimizer), 9))
    edited = svgd.evaluate(replace(states[4], x=states[4].x.clone()), torch.neg)
    assert same(edited, states[4])
    assert same(svgd.step(edited, torch.neg, optimizer=optimizer), states[5])


def test_an_edited_particle_changes_everything_that_depends_on_it(draw):
    state = next(islice(svgd.flow(torch.neg, draw(20, 2)), 5, None))
    x = state.x.clone()
    x[0] = 5.0
    edited = svgd.evaluate(replace(state, x=x), torch.neg)
    assert same(replace(edited, t=0, memory=None), svgd.start(x, torch.neg))
    assert torch.equal(edited.memory, state.memory) and edited.t == state.t


@pytest.mark.parametrize("n", [15, 26])
def test_new_particles_get_the_mean_memory_and_particles_can_be_removed(draw, optimizer, n):
    state = next(islice(svgd.flow(torch.neg, draw(20, 2), optimizer=optimizer), 5, None))
    x = torch.cat([state.x, draw(6, 2, seed=9)])[:n]
    edited = svgd.evaluate(replace(state, x=x), torch.neg)
    for before, after in zip(_tensors(state.memory), _tensors(edited.memory), strict=True):
        assert after.shape == x.shape and torch.equal(after[:15], before[:15])
        assert n < 20 or torch.allclose(after[20:], before.mean(0).expand(6, 2))
    assert svgd.step(edited, torch.neg, optimizer=optimizer).x.isfinite().all()


@pytest.mark.parametrize("n", [15, 26])
def test_a_memory_in_lists_and_dicts_fits_other_particles_too(draw, n):
    def momentum(phi, memory):
        parts = memory or {"v": [torch.zeros_like(phi)], "t": 0}
        v = 0.9 * parts["v"][0] + phi
        return 0.1 * v, {"v": [v], "t": parts["t"] + 1}

    state = next(islice(svgd.flow(torch.neg, draw(20, 2), optimizer=momentum), 5, None))
    x = torch.cat([state.x, draw(6, 2, seed=9)])[:n]
    edited = svgd.evaluate(replace(state, x=x), torch.neg)
    (v,), (before,) = edited.memory["v"], state.memory["v"]
    assert v.shape == x.shape and torch.equal(v[:15], before[:15]) and edited.memory["t"] == 5
    assert svgd.step(edited, torch.neg, optimizer=momentum).memory["t"] == 6
    assert svgd.evaluate(replace(state, x=draw(20, 3)), torch.neg).memory is None


def test_the_memory_of_some_particles_has_their_rows(draw, optimizer):
    state = next(islice(svgd.flow(torch.neg, draw(20, 2), optimizer=optimizer), 5, None))
    rows = torch.arange(20) % 3 > 0
    kept = replace(state, x=state.x[rows], memory=memory_of(state.memory, rows))
    for before, after in zip(_tensors(state.memory), _tensors(svgd.evaluate(kept, torch.neg).memory), strict=True):
        assert torch.equal(after, before[rows])
    plain = {"v": [state.x], "t": 5, "scale": torch.ones(2)}
    found = memory_of(plain, rows)
    assert torch.equal(found["v"][0], state.x[rows]) and found["t"] == 5 and found["scale"] is plain["scale"]


def _tensors(memory) -> list[torch.Tensor]:
    parts = memory if isinstance(memory, tuple) else (memory,)
    return [part for part in parts if isinstance(part, torch.Tensor)]


def test_particles_of_another_dimension_start_without_memory(draw, optimizer):
    state = next(islice(svgd.flow(torch.neg, draw(20, 2), optimizer=optimizer), 5, None))
    edited = svgd.evaluate(replace(state, x=draw(20, 3)), torch.neg)
    assert edited.memory is None
    assert svgd.step(edited, torch.neg, optimizer=optimizer).x.shape == (20, 3)


def test_equal_seeds_give_equal_runs_bit_for_bit():
    target = targets.make("logistic")

    def run(seed):
        generator = torch.Generator().manual_seed(seed)
        x0 = target.initial(20, generator)
        return list(islice(svgd.flow(target.minibatch(50), x0, generator=generator), 6))

    a, b, other = run(1), run(1), run(2)
    assert all(map(same, a, b))
    assert not torch.equal(a[-1].x, other[-1].x)


def test_a_minibatch_score_belongs_to_its_step():
    """In cyclic order, step t uses rows tB to tB + B - 1, and the state's score is the one that moves it."""
    target = targets.make("logistic")
    x0 = target.initial(10, torch.Generator().manual_seed(0))
    for t, state in enumerate(islice(svgd.flow(target.minibatch(50, "cyclic"), x0), 12)):
        rows = (50 * t + torch.arange(50)) % target.rows
        assert torch.equal(state.score, target.score_of_rows(state.x, rows))


def test_a_random_minibatch_without_a_generator_asks_for_one(draw):
    target = targets.make("logistic")
    with pytest.raises(ValueError, match="needs a torch.Generator, got None; pass one"):
        svgd.start(target.initial(5, torch.Generator().manual_seed(0)), target.minibatch(50))


def test_annealing_tempers_only_the_drive(draw):
    target = targets.make("mixture2d")
    score = targets.Annealed(target, targets.linear_schedule(10))
    for state in islice(svgd.flow(score, draw(20, 2)), 12):
        plain = svgd.start(state.x, target)
        beta = min(1, (state.t + 1) / 10)
        assert torch.allclose(state.drive, beta * plain.drive, rtol=1e-12, atol=1e-15)
        assert torch.equal(state.repulsion, plain.repulsion)


def test_a_batch_of_runs_equals_its_separate_runs(draw):
    """Three starts, three step sizes and three bandwidths at once; only rounding may differ."""
    x0 = 5 + draw(3, 20, 2)
    sizes, h = torch.tensor([0.01, 0.05, 0.1], dtype=torch.float64), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    together = svgd.flow(torch.neg, x0, bandwidth=h, optimizer=svgd.Adagrad(sizes[:, None, None]))
    final = next(islice(together, 30, None))
    for r in range(3):
        optimizer = svgd.Adagrad(sizes[r].item())
        alone = next(islice(svgd.flow(torch.neg, x0[r], bandwidth=h[r].item(), optimizer=optimizer), 30, None))
        assert (final.x[r] - alone.x).abs().max() < 1e-11
        assert final.bandwidth[r] == h[r]


def test_a_target_a_distribution_and_a_score_give_the_same_run(draw):
    normal = torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    states = [svgd.start(draw(10, 2), thing) for thing in (torch.neg, targets.make("standard"), normal)]
    assert all(torch.allclose(state.phi, states[0].phi, rtol=0, atol=1e-14) for state in states)


def test_a_state_has_exactly_the_documented_fields():
    assert {f.name for f in fields(svgd.State)} == {*TENSORS, "t", "memory"}
