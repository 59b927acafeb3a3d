"""The tests compare with this: coefficients by leaving out samples one by one, and gradients sample by sample."""

import numpy as np
import torch

CONTROLS = {"alpha": 0.3, "beta": -0.4, "gamma": 0.7, "delta": 0.2}
PARAMETERS = {"dreg-cv": CONTROLS, "dreg-alpha": {"alpha": 0.7}}


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def left_out(log_w, power):
    """Return the mean over i of (weight of j without i)^p, with a new softmax for each i."""
    k = len(log_w)
    m = np.zeros(k)
    for i in range(k):
        rest = np.arange(k) != i
        m[rest] += softmax(log_w[rest]) ** power
    return m / k


def log_sum(x):
    return np.log(np.exp(x - x.max()).sum()) + x.max()


def bound(name, log_w):
    k = len(log_w)
    iwae = log_sum(log_w) - np.log(k)
    if name in ("jk", "jk-dreg"):
        return k * iwae - (k - 1) * np.mean([log_sum(np.delete(log_w, i)) - np.log(k - 1) for i in range(k)])
    return log_w.mean() if name == "vae" else iwae


def coefficients(name, log_w, **p):
    """Return (path, score, model) of log_w [K] in numpy, as in the table of the paper."""
    k, w, none = len(log_w), softmax(log_w), np.zeros(len(log_w))
    if name == "jk":
        c = k * w - (k - 1) * left_out(log_w, 1)
        return c, -c, c
    if name == "jk-dreg":
        return k * w**2 - (k - 1) * left_out(log_w, 2), none, k * w - (k - 1) * left_out(log_w, 1)
    if name == "vae":
        return none + 1 / k, none - 1 / k, none + 1 / k
    if name == "dreg-alpha":
        a = p.get("alpha", 0.9)
        return (1 - a) * w**2 + a * (w - w**2), none, w
    if name == "dreg-cv":
        a, b, c, d = (p.get(each, 0) for each in CONTROLS)
        others = np.array([log_sum(np.delete(log_w, i)) for i in range(k)])
        score = a * (bound("iwae", log_w) - (1 - c) * others) + (1 - b) * ((1 - d) / k - w)
        return (1 - a) * w + b * (w**2 - w), score, w
    if name == "vimco":
        guess = [np.append(rest := np.delete(log_w, i), rest.mean()) for i in range(k)]
        return none, bound("iwae", log_w) - np.array([log_sum(each) - np.log(k) for each in guess]) - w, w
    path, score = {
        "iwae": (w, -w),
        "stl": (w, none),
        "dreg": (w**2, none),
        "rws": (none, w),
        "rws-dreg": (w - w**2, none),
        "dreg-norm": (w**2 / (w**2).sum(), none),
        "rws-dreg-norm": ((w - w**2) / (w - w**2).sum() if k > 1 else none, none),
    }[name]
    return path, score, w


def parts(log_joint, z_of, log_q_of, parameters, held, noise):
    """Return G_k dz_k/dphi and H_k of every sample by autograd: lists over k of lists over parameters."""
    paths, scores = [], []
    for each in noise:
        z = z_of(parameters, each)
        log_w = log_joint(z) - log_q_of(held, z)
        paths.append(torch.autograd.grad(log_w, parameters))
        still = z_of(held, each)
        scores.append(torch.autograd.grad(log_q_of(parameters, still), parameters))
    return paths, scores


def pareto(shape, n, generator):
    """Return the log of n samples with P(W > w) = w^(-1/shape)."""
    return -shape * torch.rand(n, generator=generator, dtype=torch.float64).log()
