"""These checks pass for labkit and fail for a broken version of it; the mutants prove that each can fail."""

import math

import numpy as np
import torch
from torch.distributions import Independent, Normal

from labkit import dreg
from labkit.dreg import exact, gaussian, laboratory, statistics

D, K = 3, 5
GOLD = {  # reference: prior .3, x = 1.1, q mean .45, q variance 2/3
    "log_z": -1.4255121235,
    "bounds": (-1.5108377539, -1.4596936328),
    "gradient": (0.5, 0.206282516),
    "stl": (0.5, 0.426570629),
    "iwae variance": (8 / 3, 1.181526),
    "dreg variance": (1 / 6, 0.023782),
}


def line() -> gaussian.Gaussian:
    return gaussian.line(0.3, 1.1, 0.45)


def log_weights(k: int, spread: float = 2.0, *batch: int) -> torch.Tensor:
    return spread * torch.randn(k, *batch, generator=torch.Generator().manual_seed(k), dtype=torch.float64)


def coefficients_are_the_tables(reference, name: str, k: int) -> None:
    """They are compared for several spreads of weights, in the middle of a batch."""
    parameters = reference.PARAMETERS.get(name, {})
    for spread in (0.0, 0.5, 5.0):
        log_w = log_weights(k, spread, 2, 3)
        got = dreg.coefficients(name, log_w, **parameters)
        for i in np.ndindex(2, 3):
            at = (slice(None), *i)
            for mine, wanted in zip(got, reference.coefficients(name, log_w[at].numpy(), **parameters), strict=True):
                assert np.abs(mine[at].numpy() - wanted).max() < 1e-12 * max(1, k)
            bound = dreg.bound(log_w, name)[i].item()
            assert abs(bound - reference.bound(name, log_w[at].numpy())) < 1e-11 * k


class Scene:
    """A proposal with two parameter vectors, a nonlinear model with one, and a seed for the noise."""

    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self.mu, self.rho, self.theta = (
            torch.randn(D, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(3)
        )

    @property
    def proposal(self):
        return Independent(Normal(self.mu, self.rho.exp()), 1)

    def log_joint(self, z):
        return (self.theta * torch.sin(z) - 0.5 * (z - self.theta) ** 2).sum(-1)

    def samples(self) -> dreg.Samples:
        torch.manual_seed(3)
        return dreg.evaluate(self.proposal, self.log_joint, K)

    @property
    def noise(self):
        torch.manual_seed(3)
        return Normal(torch.zeros(D, dtype=torch.float64), 1).rsample((K,))


def surrogate_is_the_sum_over_samples(reference, name: str) -> None:
    """Gradients of encoder and model equal sums of single G_k dz_k/dphi, H_k and d log p(x, z_k)."""
    scene, parameters = Scene(), reference.PARAMETERS.get(name, {})
    phi = [scene.mu, scene.rho]
    samples = scene.samples()
    got = torch.autograd.grad(dreg.surrogate(samples, name, **parameters), [*phi, scene.theta])
    paths, scores = reference.parts(
        scene.log_joint,
        lambda p, e: p[0] + p[1].exp() * e,
        lambda p, z: Normal(p[0], p[1].exp()).log_prob(z).sum(),
        phi,
        [each.detach() for each in phi],
        scene.noise,
    )
    path, score, model = reference.coefficients(name, samples.log_w.numpy(), **parameters)
    wanted = [sum(path[k] * paths[k][i] + score[k] * scores[k][i] for k in range(K)) for i in range(2)]
    of_model = [torch.autograd.grad(scene.log_joint(z), scene.theta)[0] for z in samples.z.detach()]
    wanted.append(sum(c * each for c, each in zip(model, of_model, strict=True)))
    for mine, theirs in zip(got, wanted, strict=True):
        assert (mine - theirs).abs().max() < 1e-12 * max(1, theirs.abs().max().item())


def plain_gradients_are_those_of_the_bound(name: str) -> None:
    """For iwae, jk and vae, they equal autograd of the bound itself, with nothing held constant."""
    scene = Scene()
    parameters = [scene.mu, scene.rho, scene.theta]
    got = torch.autograd.grad(dreg.surrogate(scene.samples(), name), parameters)
    z = scene.mu + scene.rho.exp() * scene.noise
    log_w = scene.log_joint(z) - scene.proposal.log_prob(z)
    wanted = torch.autograd.grad(dreg.ESTIMATORS[name].bound(log_w), parameters)
    for mine, theirs in zip(got, wanted, strict=True):
        assert (mine - theirs).abs().max() < 1e-12


def coefficients_are_held_constant() -> None:
    log_w = log_weights(K).requires_grad_()
    for name in dreg.ESTIMATORS:
        assert not any(each.requires_grad for each in dreg.coefficients(name, log_w))


def generative_gradient_is_the_same(names) -> None:
    """With any estimator for the encoder, the model is trained with the coefficients w."""
    log_w = log_weights(K)
    for name in names:
        assert torch.equal(dreg.coefficients(name, log_w)[2], log_w.softmax(0))


def stl_is_dreg_and_rws_dreg() -> None:
    log_w = log_weights(K, 2.0, 4)
    stl, one, other = (dreg.coefficients(name, log_w)[0] for name in ("stl", "dreg", "rws-dreg"))
    assert (stl - one - other).abs().max() < 1e-15


def jackknife_of_equal_weights_is_their_logarithm() -> None:
    log_w = torch.full((7, 2), -3.5, dtype=torch.float64)
    assert (dreg.bound(log_w, "jk") + 3.5).abs().max() < 1e-12
    for name in ("jk", "iwae", "dreg-norm"):
        assert (dreg.coefficients(name, log_w)[0].sum(0) - 1).abs().max() < 1e-12
    # K (1/K)^2 - (K - 1) 1/K sum_{i != j} (K - 1)^-2 = 0
    assert dreg.coefficients("jk-dreg", log_w)[0].abs().max() < 1e-12


def expectations(name: str, **parameters) -> tuple[float, float, float]:
    """Return mean and variance of a gradient at K = 2 and the mean of its bound, by a product rule over both samples.

    The trapezoidal rule for a one-dimensional Gaussian is exact to rounding; it shares no code with `exact`.
    """
    toy = line()
    e = torch.arange(-9, 9.01, 0.1, dtype=torch.float64)
    p = (-e * e / 2).exp() * 0.1 / math.sqrt(2 * math.pi)
    both = torch.stack([e.repeat(len(e)), e.repeat_interleave(len(e))])
    p = p.repeat(len(e)) * p.repeat_interleave(len(e))
    z = toy.mean + toy.sigma * both
    q = Normal(toy.mean, toy.sigma)
    log_w = Normal(toy.prior, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(toy.x) - q.log_prob(z)
    path, score, _ = dreg.coefficients(name, log_w, **parameters)
    pull = (toy.prior - z) + (toy.x - z) + (z - toy.mean) / toy.variance
    g = (path * pull + score * both / toy.sigma).sum(0)
    mean = (p * g).sum().item()
    return mean, (p * (g - mean) ** 2).sum().item(), (p * dreg.bound(log_w, name)).sum().item()


def two_samples_give_the_gold() -> None:
    for name, mean in (("iwae", "gradient"), ("dreg", "gradient"), ("stl", "stl")):
        got = expectations(name)
        assert abs(got[0] - GOLD[mean][1]) < 1e-9
        assert abs(got[2] - GOLD["bounds"][1]) < 1e-9
        if name != "stl":
            assert abs(got[1] - GOLD[f"{name} variance"][1]) < 1e-6


def exact_is_the_gold() -> None:
    toy = line()
    answers = exact.answers(toy, (1, 2))
    rows = dict(
        zip(answers.estimators, zip(answers.mean.tolist(), answers.variance.tolist(), strict=True), strict=True)
    )
    assert abs(toy.log_z - GOLD["log_z"]) < 1e-10
    assert abs(toy.elbo - GOLD["bounds"][0]) < 1e-10
    for i in range(2):
        assert abs(answers.bound[i].item() - GOLD["bounds"][i]) < 1e-10
        for name in ("iwae", "dreg"):
            assert abs(rows[name][0][i] - GOLD["gradient"][i]) < 1e-9
            assert abs(rows[name][1][i] - GOLD[f"{name} variance"][i]) < 1e-6
        assert abs(rows["stl"][0][i] - GOLD["stl"][i]) < 1e-9


def run(toy, estimators, sizes, replicates: int, seed: int = 0, steps: int = 1, **more) -> laboratory.State:
    generator = torch.Generator().manual_seed(seed)
    state = laboratory.start(toy, estimators, sizes, **more)
    for _ in range(steps):
        state = laboratory.step(state, toy, generator=generator, replicates=replicates)
    return state


def laboratory_agrees_with_exact_answers() -> None:
    """Means and bounds agree within 5 standard errors, variances within 10 % (their error is about 2 % at 4000)."""
    toy, sizes = gaussian.instance(5, 0.8), (1, 4, 16)
    state = run(toy, exact.known(), sizes, 4000)
    answers = exact.answers(toy, sizes)
    wanted = answers.mean[..., None] * toy.direction
    error = (state.gradients.variance / state.n).sqrt()
    assert ((state.gradients.mean - wanted).abs() <= 5 * error + 1e-12).all()
    live = answers.variance > 1e-12
    assert ((state.variance / answers.variance)[live] - 1).abs().max() < 0.1
    assert (state.variance[~live] < 1e-20).all()
    off = (state.bounds.mean[0] - answers.bound) / (state.bounds.variance[0] / state.n).sqrt()
    assert off.abs().max() < 5


def merged_moments_are_those_of_all() -> None:
    x = torch.randn(50, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 100
    for measure, wanted in (
        (statistics.moments, x.var(0)),
        (statistics.crossed, torch.stack([x[:, i].T.cov() for i in range(4)])),
    ):
        merged = statistics.merge(statistics.merge(measure(x[:1]), measure(x[1:20])), measure(x[20:]))
        assert merged.n == 50
        assert (merged.mean - x.mean(0)).abs().max() < 1e-12
        assert (merged.variance - wanted).abs().max() < 1e-10


def hotelling_is_that_of_the_textbook() -> None:
    from scipy import stats

    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.3
    mean, covariance = x.mean(0), x.T.cov()
    t2, p = statistics.hotelling(30, mean, covariance)
    wanted = 30 * mean @ torch.linalg.inv(covariance) @ mean
    assert abs(t2 - wanted) < 1e-10
    assert abs(p.item() - stats.f.sf(wanted.item() * 26 / (4 * 29), 4, 26)) < 1e-12
    t, p_t = statistics.t_test(30, mean, x.var(0))
    theirs = stats.ttest_1samp(x.numpy(), 0)
    assert np.abs(t.numpy() - theirs.statistic).max() < 1e-12 and np.abs(p_t.numpy() - theirs.pvalue).max() < 1e-12


def bias_is_told_from_none() -> None:
    """Unbiased estimators pass at 1e-3 (fixed seed), biased ones fail by far; all use DReG's own samples."""
    unbiased, biased = ("iwae", "vimco", "dreg-cv"), ("stl", "rws", "rws-dreg", "dreg-norm", "rws-dreg-norm")
    state = run(gaussian.instance(4, 0.8), (*unbiased, *biased), (2, 8), 2000)
    p = state.bias_test()[1]
    assert p[: len(unbiased)].min() > 1e-3
    assert p[len(unbiased) :].max() < 1e-6


def parameters_are_held_and_nothing_else() -> None:
    """log_prob of the detached copy equals that of the original, with a gradient only in z."""
    loc, scale = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.3, -1.0], [0.5, 2.0]))
    q = Independent(Normal(loc, scale), 1)
    z = torch.tensor([[0.1, 0.2], [1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    held = dreg.detach_parameters(q)
    assert torch.equal(held.log_prob(z), q.log_prob(z))
    assert not held.log_prob(z.detach()).requires_grad
    (g,) = torch.autograd.grad(held.log_prob(z).sum(), z)
    assert (g + (z - loc) / scale**2).abs().max() < 1e-12


def one_sample_varies_by_8_3_and_1_6() -> None:
    """Per coordinate at K = 1, by simulation: 20 x 2000 samples, five standard errors of a variance."""
    state = run(gaussian.instance(), ("iwae", "dreg"), (1,), 2000)
    wanted = torch.tensor([8 / 3, 1 / 6], dtype=torch.float64)
    assert (state.variance[:, 0] / wanted - 1).abs().max() < 5 * math.sqrt(2 / 40_000)
