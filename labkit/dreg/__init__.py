"""Gradients of importance weighted bounds with double reparameterisation (Tucker et al. 2019, arXiv 1810.04152).

One set of samples serves every estimator:

    samples = dreg.evaluate(proposal, log_joint, 64)      # K = 64 samples of q(z | x), a torch distribution
    (-dreg.surrogate(samples, "dreg").mean()).backward()  # or another of dreg.ESTIMATORS, from the same samples
    samples.bound()                                       # the bound in nats; the surrogate's value has no meaning

`dreg.VAE` is a network to train in this way (`dreg.passes`, `labkit train vae`). `dreg.laboratory` measures bias and
variance of every estimator on a Gaussian model (`dreg.gaussian`). `dreg.exact` computes their exact values there.
"""

from labkit.dreg import (
    bounds,
    control,
    exact,
    frontier,
    gaussian,
    laboratory,
    passes,
    replicates,
    sequential,
    statistics,
)
from labkit.dreg.bounds import Piwae, ciwae, miwae, piwae
from labkit.dreg.detach import detach_parameters
from labkit.dreg.estimators import ESTIMATORS, Estimator, bound, coefficients
from labkit.dreg.gradients import Samples, evaluate, normal_gradients, surrogate
from labkit.dreg.networks import PRESETS, VAE, Config, preset
from labkit.dreg.registry import register
from labkit.dreg.task import Task
from labkit.dreg.weights import effective_sample_size, entropy, pareto_k

__all__ = [
    "ESTIMATORS",
    "PRESETS",
    "VAE",
    "Config",
    "Estimator",
    "Piwae",
    "Samples",
    "Task",
    "bound",
    "bounds",
    "ciwae",
    "coefficients",
    "control",
    "detach_parameters",
    "effective_sample_size",
    "entropy",
    "evaluate",
    "exact",
    "frontier",
    "gaussian",
    "laboratory",
    "miwae",
    "normal_gradients",
    "pareto_k",
    "passes",
    "piwae",
    "preset",
    "register",
    "replicates",
    "sequential",
    "statistics",
    "surrogate",
]
