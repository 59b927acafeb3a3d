"""The tests compare with this: the original's update in numpy, and every kernel's sums by autograd over pairs."""

import numpy as np
import torch

from labkit import svgd


def squared_distances(x):
    return sum((x[:, None, k] - x[None, :, k]) ** 2 for k in range(x.shape[1]))


def bandwidth(x):
    """h = sqrt(med / (2 log(N + 1))), over all N^2 entries."""
    return np.sqrt(0.5 * np.median(squared_distances(x)) / np.log(len(x) + 1))


def phi(x, score, h=None):
    h = bandwidth(x) if h is None else h
    K = np.exp(-squared_distances(x) / (2 * h**2))
    return (K @ score + (x * K.sum(1)[:, None] - K @ x) / h**2) / len(x)


def update(x, score, n_iter, stepsize, h=None, alpha=0.9):
    history = 0
    for t in range(n_iter):
        p = phi(x, score(x), h)
        history = p**2 if t == 0 else alpha * history + (1 - alpha) * p**2
        x = x + stepsize * p / (1e-6 + np.sqrt(history))
    return x


def mixture_score(x):
    """Return the score of 1/3 N(-2, 1) + 2/3 N(2, 1), for numpy and torch."""
    sigmoid = torch.sigmoid if isinstance(x, torch.Tensor) else lambda z: 1 / (1 + np.exp(-z))
    return 2 - x - 4 * sigmoid(-4 * x - np.log(2))


def rbf(x, y, h):
    return (-((x - y) ** 2).sum(-1) / (2 * h**2)).exp()


def imq(x, y, h):
    return (1 + ((x - y) ** 2).sum(-1) / h**2) ** -0.5


def matern32(x, y, h):
    """(1 + r) e^-r; at r = 0, where autograd divides by zero, its first two terms in r^2."""
    u = 3 * ((x - y) ** 2).sum(-1) / h**2
    r = torch.where(u == 0, 1.0, u).sqrt()
    return torch.where(u == 0, 1 - u / 2, (1 + r) * (-r).exp())


def linear(x, y, h):
    return (x * y).sum(-1) + 1


def three(x, y, h):
    return rbf(x, y, h / 2) + rbf(x, y, h) + rbf(x, y, 2 * h)


def precision(d):
    root = torch.randn(d, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    return root @ root.mT / d + torch.eye(d, dtype=torch.float64)


def _plain(k):
    return lambda d, h: [(torch.eye(d, dtype=torch.float64), lambda x, y: k(x, y, h))]


def _per_dimension(k):
    """diag(k(x_1, x_1'), ...): one term per coordinate c, with its own bandwidth h[c]."""

    def one(c, d, h):
        unit = torch.eye(d, dtype=torch.float64)[c]
        return torch.outer(unit, unit), lambda x, y: k(x[:, c : c + 1], y[:, c : c + 1], h[c])

    return lambda d, h: [one(c, d, h) for c in range(d)]


def _preconditioned(d, h):
    """Q^-1 k(|x - y|_Q)."""
    Q = precision(d)
    return [(Q.inverse(), lambda x, y: (-(((x - y) @ Q) * (x - y)).sum(-1) / (2 * h**2)).exp())]


# name -> (d -> kernel of labkit, (d, h) -> the matrix kernel as terms M k(x, y) with M (d, d))
KERNELS = {
    "rbf": (lambda d: svgd.RBF(), _plain(rbf)),
    "rbf-scaled": (lambda d: svgd.RBF(scale=0.7), _plain(lambda x, y, h: rbf(x, y, 0.7 * h))),
    "imq": (lambda d: svgd.IMQ(), _plain(imq)),
    "matern32": (lambda d: svgd.Matern32(), _plain(matern32)),
    "linear": (lambda d: svgd.Linear(), _plain(linear)),
    "sum": (lambda d: svgd.Sum(), _plain(three)),
    "sum-mixed": (
        lambda d: svgd.Sum((svgd.RBF(), svgd.IMQ(scale=2.0), svgd.Linear())),
        _plain(lambda x, y, h: rbf(x, y, h) + imq(x, y, 2 * h) + linear(x, y, h)),
    ),
    "per-dimension": (lambda d: svgd.PerDimension(), _per_dimension(rbf)),
    "per-dimension-imq": (lambda d: svgd.PerDimension(svgd.IMQ()), _per_dimension(imq)),
    "preconditioned": (lambda d: svgd.Preconditioned(precision(d)), _preconditioned),
}


def length(kernel, x, h=0.8):
    """Return a fixed bandwidth of the shape that the kernel needs."""
    frame = kernel.frame(x)
    return torch.linspace(h, 1.5 * h, frame.shape[0], dtype=x.dtype) if frame.ndim > 2 else torch.tensor(h).to(x)


def stein(terms, x, s):
    """Return drive, repulsion (n, d) and KSD^2 of the matrix kernel sum M k, pair by pair, by autograd."""
    n, d = x.shape
    a = x.repeat_interleave(n, 0).requires_grad_()  # x_j
    b = x.repeat(n, 1).requires_grad_()  # x_i
    sj, si = s.repeat_interleave(n, 0), s.repeat(n, 1)
    drive, repulsion, ksd2 = torch.zeros_like(x), torch.zeros_like(x), 0.0
    for M, k in terms:
        value = k(a, b)
        da, db = torch.autograd.grad(value.sum(), (a, b), create_graph=True)
        mixed = [torch.autograd.grad(da[:, c].sum(), b, retain_graph=True)[0] for c in range(d)]
        trace = (torch.stack(mixed, 1) * M).sum((1, 2))
        drive += (value[:, None] * (sj @ M)).detach().reshape(n, n, d).mean(0)
        repulsion += (da @ M).detach().reshape(n, n, d).mean(0)
        pulled = value * ((si @ M) * sj).sum(-1) + ((si @ M) * da).sum(-1) + ((sj @ M) * db).sum(-1)
        ksd2 += (pulled + trace).mean().item()
    return drive, repulsion, ksd2
