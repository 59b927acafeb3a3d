"""A race is fair, because lanes differ only by their estimator; variances agree with those of replicates."""

from dataclasses import replace

import pytest
import torch

from labkit import dreg
from labkit.data import load
from labkit.dreg import passes, racing, watching
from labkit.dreg.racing import Entry, entry, spread
from labkit.training import functional

pytestmark = pytest.mark.slow  # whole scenes and commands

SIZE = {"k": 4, "batch": 8, "lr": 3e-3}


@pytest.fixture(scope="module")
def track():
    return racing.Track(*(load("digits", split)[0] for split in ("train", "test")))


@pytest.fixture(scope="module")
def small():
    """5 x 4 pixels and two latents, so that a step is fast."""
    images = torch.randint(0, 256, (80, 1, 5, 4), generator=torch.Generator().manual_seed(0)).byte()
    config = dreg.Config(height=5, width=4, latent=(2,), hidden=(6,))
    return racing.Track(*images.split(60), config=config)


def raced(track, names, steps, **size):
    size = SIZE | size
    state = racing.start(track, [entry(name) for name in names], k=size["k"])
    for _ in range(steps):
        state = racing.step(state, track, **size)
    return state


def seen(state):
    """Everything in a lane except its seconds."""
    return [
        torch.cat([lane.trained.weights, lane.trained.m, lane.batches[:, 2], lane.looks[:, 2]]) for lane in state.lanes
    ]


# the same for all lanes


def test_lanes_of_one_estimator_are_equal_bit_for_bit(small):
    """dreg-alpha at 1 and 0 are rws-dreg and dreg; a lane's own K equal to the race's changes nothing."""
    state = raced(small, ["dreg", "dreg@4", "dreg-alpha=0", "rws-dreg", "dreg-alpha=1", "iwae"], 3)
    dreg_, own, zero, rws, one, iwae = seen(state)
    assert torch.equal(dreg_, own) and torch.equal(dreg_, zero) and torch.equal(rws, one)
    assert not torch.allclose(dreg_, rws) and not torch.allclose(dreg_, iwae)
    assert torch.equal(state.lanes[0].drawn, state.lanes[1].drawn)


def test_all_lanes_start_equal_with_the_same_first_bound(small):
    """Before the first move weights, images and noise are the same, and so is the bound, unless K differs."""
    state = raced(small, ["iwae", "stl", "dreg-cv", "rws", "dreg@5"], 1)
    bounds = [lane.batches[0, 2].item() for lane in state.lanes]
    assert bounds[0] == bounds[1] == bounds[2] == bounds[3] != bounds[4]
    first = racing.start(small, [Entry("iwae"), Entry("dreg-cv")], k=4)
    plain, controlled = (lane.trained.weights for lane in first.lanes)
    assert torch.equal(controlled[: len(plain)], plain) and controlled[len(plain) :].tolist() == [0] * 4
    assert first.lanes[0].looks[0, 2] == first.lanes[1].looks[0, 2]


def test_a_step_is_adams_with_the_estimators_own_gradients(small):
    """Adam's first move is the rate times the sign of the gradient, here that of dreg.surrogate and of the bound."""
    state = raced(small, ["stl"], 0)
    x = small.minibatch(0, 8)
    found = passes.run(small.module, x, 4, generator=small.noise("samples", 0))
    phi = torch.autograd.grad(dreg.surrogate(found.samples(), "stl").mean(), small.module.inference, retain_graph=True)
    theta = torch.autograd.grad((found.log_w.softmax(0) * found.log_joint).sum(0).mean(), small.module.generative)
    up = torch.cat([each.flatten() for each in (*phi, *theta)])
    moved = racing.step(state, small, **SIZE).lanes[0].trained.weights - state.lanes[0].trained.weights
    clear = up.abs() > 1e-4
    assert clear.sum() > 100 and torch.allclose(moved[clear], 3e-3 * up[clear].sign(), rtol=1e-3)


def test_equal_seeds_give_equal_bits_also_after_a_rewind(small):
    half = raced(small, ["dreg", "iwae"], 5)
    kept = [each.clone() for each in seen(half)]
    ends = [half, half]
    for i in range(2):
        for _ in range(4):
            ends[i] = racing.step(ends[i], small, **SIZE)
    whole = raced(small, ["dreg", "iwae"], 9)
    for one, other, third in zip(*map(seen, (*ends, whole)), strict=True):
        assert torch.equal(one, other) and torch.equal(one, third) and not one.requires_grad
    assert all(torch.equal(a, b) for a, b in zip(kept, seen(half), strict=True)) and half.t == 5 and whole.t == 9
    images = small.train
    other = racing.Track(images, images, config=small.module.config, seed=1)
    assert not torch.equal(other.minibatch(0, 8), small.minibatch(0, 8))
    assert not torch.equal(
        raced(other, ["dreg"], 0).lanes[0].trained.weights, raced(small, ["dreg"], 0).lanes[0].trained.weights
    )


def test_grey_pixels_are_sampled_again_at_every_step():
    grey = torch.full((40, 1, 5, 4), 128, dtype=torch.uint8)
    track = racing.Track(grey, grey, config=dreg.Config(height=5, width=4, latent=(2,), hidden=(6,)))
    one, other = track.minibatch(0, 8), track.minibatch(1, 8)
    assert set(one.unique().tolist()) == {0, 1} and not torch.equal(one, other)


def test_seconds_count_only_the_lanes_own_steps(small, monkeypatch):
    """The clock advances by 1 at each reading, so every step takes one, for any number of other lanes."""
    ticks = iter(range(1000))
    monkeypatch.setattr(racing.time, "thread_time", lambda: float(next(ticks)))
    state = raced(small, ["iwae", "dreg"], 3)
    for lane in state.lanes:
        assert lane.seconds == 3 and lane.batches[:, 1].tolist() == [0, 1, 2] and lane.looks[:, 1].tolist() == [0]


def test_recorded_numbers_belong_to_the_weights(small):
    state = raced(small, ["dreg"], racing.EVERY)
    (lane,) = state.lanes
    assert lane.looks[:, 0].tolist() == [0, racing.EVERY] and lane.batches[:, 0].tolist() == [*range(racing.EVERY)]
    model = dreg.VAE(small.module.config)
    model.load_state_dict(small.module.state_dict())
    torch.nn.utils.vector_to_parameters(lane.trained.weights, model.parameters())
    bound = passes.log_likelihood(model, small.held, racing.HELD_SAMPLES, generator=small.noise("bound")).mean()
    assert lane.looks[-1, 2] == pytest.approx(bound.item(), rel=1e-6)
    assert torch.allclose(lane.drawn, model.generate(racing.DRAWN, generator=small.noise("drawn")))
    assert (lane.looks[:, 3] > 0).all()  # replicates differ
    bounds = lane.batches[:, 2]
    assert torch.allclose(lane.batches[:, 3], bounds.cumsum(0) / torch.arange(1, 17))  # a plain mean until SMOOTH steps
    x = small.minibatch(racing.EVERY, 8)
    found = passes.run(model, x, 4, generator=small.noise("samples", racing.EVERY))
    after = racing.step(state, small, **SIZE).lanes[0].batches[-1, 2]
    assert after == pytest.approx(found.bound.mean().item(), rel=1e-6)


# variance


def test_both_variances_and_the_snr_are_unbiased():
    """g = 2 u + a_m + b_r has variances .3 by minibatch and .7 by sample; |2 u|^2 = 4 over 50 coordinates."""
    noise = torch.Generator().manual_seed(0)
    fixed = 2 * torch.nn.functional.normalize(torch.randn(50, generator=noise, dtype=torch.float64), dim=0)
    made = []
    for _ in range(400):
        a = 0.3**0.5 * torch.randn(4, 1, 50, generator=noise, dtype=torch.float64)
        b = 0.7**0.5 * torch.randn(4, 3, 50, generator=noise, dtype=torch.float64)
        made.append(spread(fixed + a + b))
    found = torch.tensor(made, dtype=torch.float64)
    error = found.std(0) / 400**0.5
    assert ((found.mean(0) - torch.tensor([0.7, 0.3, 0.0]))[:2].abs() < 4 * error[:2]).all()
    square = found[:, 2].square() * 50 * found[:, 0]  # |E g|^2 of a minibatch: 4 + 50 x .3
    assert abs(square.mean() - 19) < 4 * square.std() / 20


def test_without_variance_the_snr_is_nan():
    found = spread(torch.ones(2, 2, 3))
    assert found.monte_carlo == found.minibatch == 0 and found.snr != found.snr


def test_the_variances_add_up_to_that_of_new_minibatches_and_new_noise(track):
    """(1) agrees with gradients on new images each, and its Monte Carlo part with many samples on one minibatch."""
    state = raced(track, ["iwae"], 30, batch=32)
    weights, task = state.lanes[0].trained.weights, racing._task(track, Entry("iwae"), 4, 0.9)

    def gradients(model):
        made = {}
        for m in range(48):
            x, noise = track.minibatch(m, 32), track.noise("test", m)
            made[m] = torch.stack([racing.gradient(model, x, task, noise) for _ in range(2)])
        lone = [racing.gradient(model, track.minibatch(1000 + m, 32), task, track.noise("lone", m)) for m in range(96)]
        return torch.stack(list(made.values())), torch.stack(lone)

    pairs, lone = functional.call(track.module, weights.clone().requires_grad_(), gradients)
    found = spread(pairs)
    # each half's own estimate varies this much about the whole's
    parts = torch.tensor([spread(part)[:2] for part in pairs.split(6)]).sum(1)
    error = parts.std() / 8**0.5
    alone = (lone - lone.mean(0)).square().mean(1) * 96 / 95
    assert abs(found.monte_carlo + found.minibatch - alone.mean()) < 4 * (error**2 + alone.var() / 96).sqrt()
    assert found.minibatch > 0


def test_iwae_has_more_noise_than_dreg_on_a_trained_network(track):
    """They are paired: the same weights, images and samples, for every minibatch, K = 16."""
    state = raced(track, ["dreg"], 60, k=16, batch=32)
    start = functional.State(state.lanes[0].trained.weights, state.lanes[0].trained.m, state.lanes[0].trained.v, 0)
    lanes = [replace(state.lanes[0], entry=Entry(name), trained=start) for name in ("iwae", "dreg", "stl")]
    noise = [racing._looked(lane, track, 16, 0.9).looks[-1, 3].item() for lane in lanes]
    assert noise[0] > 2 * noise[1] and noise[2] > noise[1]


# other estimators along one trajectory


def test_watched_variances_equal_those_of_weighted_pairs(small):
    """They are compared with their defining sums over all gradients, with weights beta^(n - i)."""
    batches = [small.minibatch(i, 8) for i in range(6)]
    names, beta = ("iwae", "dreg-alpha"), 0.7
    how = {"parameters": {"dreg-alpha": {"alpha": 0.3}}, "decay": beta}
    *_, state = watching.watch(small.module, batches, names, 4, generator=small.noise("watch"), **how)
    noise, pairs = small.noise("watch"), []
    for x in batches:
        for _ in range(2):
            found = passes.run(small.module, x, 4, generator=noise).samples()
            slopes = [
                torch.autograd.grad(
                    dreg.surrogate(found, name, **more).mean(), small.module.inference, retain_graph=True
                )
                for name, more in (("iwae", {}), ("dreg-alpha", {"alpha": 0.3}))
            ]
            pairs.append(torch.stack([torch.cat([each.flatten() for each in one]) for one in slopes]))
    g = torch.stack(pairs).double().unflatten(0, (6, 2))
    w = beta ** torch.arange(5, -1, -1.0, dtype=torch.float64)
    w /= w.sum()
    middle = g.mean(1)
    mean = torch.einsum("n,nep->ep", w, middle)
    noise_of = torch.einsum("n,nep->ep", w, g.var(1))
    among = torch.einsum("n,nep->ep", w, (middle - mean).square()) / (1 - w.square().sum()) - noise_of / 2
    for got, known in ((state.mean, mean), (state.monte_carlo, noise_of), (state.minibatch, among)):
        assert torch.allclose(got.double(), known, rtol=1e-3, atol=1e-6 * known.abs().max().item())
    assert torch.allclose(state.snr.double(), mean.norm(dim=1) / noise_of.sum(1).sqrt(), rtol=1e-3)


def test_watching_does_not_change_the_network_and_follows_its_training(small):
    before = [each.clone() for each in small.module.parameters()]
    x, names = small.minibatch(0, 8), ("dreg", "iwae")
    one = watching.step(watching.start(small.module, names), small.module, x, 4, generator=small.noise("w"))
    assert all(torch.equal(a, b) for a, b in zip(before, small.module.parameters(), strict=True))
    assert one.n == 1 and one.minibatch.isnan().all() and (one.monte_carlo >= 0).all() and not one.mean.requires_grad
    state = racing.start(small, [Entry("dreg")], k=4)
    moved = racing.step(state, small, **SIZE).lanes[0].trained.weights
    other = functional.call(
        small.module, moved.clone().requires_grad_(),
        lambda m: watching.step(watching.start(m, names), m, x, 4, generator=small.noise("w")),
    )  # fmt: skip
    assert not torch.equal(one.mean, other.mean)


# text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("dreg", Entry("dreg")), ("dreg@16", Entry("dreg", 16)), ("dreg-alpha=.5@8", Entry("dreg-alpha", 8, 0.5))],
)
def test_an_entry_is_read_from_text(text, wanted):
    assert entry(text) == wanted


def test_labels_of_lanes_are_different():
    assert [entry(t).label for t in ("jk", "jk@9", "dreg-alpha=.5")] == ["jk", "jk, K = 9", "dreg-alpha 0.5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dreg@", "must read like dreg, dreg@16"),
        ("dregg", "must be one of iwae"),
        ("dreg=0.5", "dreg takes no parameters"),
    ],
)
def test_a_wrong_entry_raises_an_error(text, words):
    with pytest.raises(ValueError, match=words):
        entry(text)


def test_impossible_races_raise_an_error(small):
    with pytest.raises(ValueError, match="no lane twice"):
        racing.start(small, [Entry("dreg"), Entry("dreg")], k=4)
    with pytest.raises(ValueError, match="at least one lane"):
        racing.start(small, [], k=4)
    with pytest.raises(ValueError, match="jk needs at least K = 2"):
        racing.start(small, [Entry("jk")], k=1)
    with pytest.raises(ValueError, match="one channel, got"):
        racing.Track(*(small.train.expand(-1, 3, -1, -1),) * 2)
    with pytest.raises(ValueError, match="at least one estimator to watch"):
        watching.start(small.module, [])
    with pytest.raises(ValueError, match="decay must be above 0"):
        watching.step(watching.start(small.module, ["dreg"]), small.module, small.minibatch(0, 8), 4, decay=0.0)
    state = raced(small, ["dreg"], 2)
    with pytest.raises(ValueError, match="^dreg is not finite at step 2; lower the learning rate and start again$"):
        racing.step(state, small, **SIZE | {"lr": float("inf")})
    (lane,) = state.lanes
    lost = replace(lane, trained=replace(lane.trained, weights=lane.trained.weights * float("nan")))
    with pytest.raises(ValueError, match="^dreg is not finite at step 2; "):
        racing.look(racing.State((lost,)), small, k=4)
