"""One backward pass of the decoder gives the gradients of both halves of a VAE, for any number of estimators.

    gradients = inference_gradients(model, passes.run(model, x, 64), ("dreg", "iwae", "stl"))

They equal those of `dreg.surrogate(found.samples(), name)`. The decoder's backward pass starts at log p(x, z_k)
weighted by w_k. It gives the generative gradient, and w_k d/dz log p(x, z_k) at the leaves z. Each further estimator
needs only a ratio of coefficients and a pass through the encoder. The encoder sees each image once, the decoder sees
it K times. Estimators with a large ratio (not `Estimator.one_pass`) share a second pass of the decoder. That pass has
equal weights.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from labkit.dreg.estimators import find
from labkit.dreg.gradients import in_normal
from labkit.dreg.networks import VAE
from labkit.dreg.passes import Pass
from labkit.dreg.weights import Weights, check_count


def generative_gradients(model: VAE, found: Pass, name: str) -> tuple[list[Tensor], list[Tensor]]:
    """Return the gradients in the parameters of p that need one, and in the leaves: means over the batch, MAXIMISED.

    Those in the leaves, of each layer [K, B, latent], are d/dz_k log p(x, z_k), times the generative coefficients.

    Raises:
        ValueError: the estimator is unknown, or there are too few samples.
    """
    estimator, weighed = find(name), Weights(found.log_w)
    check_count(weighed.count, estimator.least, name)
    return _decoder(model, found, estimator.model(weighed))


def _decoder(model: VAE, found: Pass, upstream: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    theta = [each for each in model.generative if each.requires_grad]
    got = torch.autograd.grad(found.log_joint, [*theta, *found.leaves], upstream / upstream.shape[1], retain_graph=True)
    return list(got[: len(theta)]), list(got[len(theta) :])


def inference_gradients(
    model: VAE,
    found: Pass,
    names: Sequence[str],
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    leaves: Mapping[str, list[Tensor]] | None = None,
) -> dict[str, list[Tensor]]:
    """Return the gradient of each estimator in the parameters of q, a mean over the batch, MAXIMISED.

    Args:
        parameters: parameters of an estimator by its name, for example {"dreg-alpha": {"alpha": 0.5}}.
        leaves: the gradients in the leaves from `generative_gradients`, by the name of its estimator.

    Raises:
        TypeError, ValueError: the estimator or a parameter is unknown, or there are too few samples.
    """
    parameters, batch = parameters or {}, found.log_w.shape[1]
    held = torch.autograd.grad(found.held.sum(), found.leaves, retain_graph=True)
    weighed = Weights(found.log_w)
    known: dict[Callable[[Weights], Tensor] | None, list[Tensor]] = {}
    made: dict[str, list[Tensor]] = {}

    def paths(upstream: Tensor, slopes: list[Tensor] | None) -> list[Tensor]:
        """Return G of each layer [K, B, latent], weighted by upstream / B."""
        slopes = _decoder(model, found, upstream)[1] if slopes is None else slopes
        weight = (upstream / batch).unsqueeze(-1)
        return [torch.addcmul(slope, weight, away, value=-1) for slope, away in zip(slopes, held, strict=True)]

    for name, slopes in (leaves or {}).items():
        model_weights = find(name).model
        known[model_weights] = paths(model_weights(weighed), slopes)
    for name in names:
        estimator = find(name, parameters.get(name, ()))
        check_count(weighed.count, estimator.least, name)
        path, score = estimator.rule(weighed, **parameters.get(name, {}))
        along = None
        if isinstance(path, Tensor):
            key = estimator.model if estimator.one_pass else None
            upstream = torch.ones_like(path) if key is None else key(weighed)
            if key not in known:
                known[key] = paths(upstream, None)
            ratio = torch.where(upstream == 0, 0.0, path / upstream).unsqueeze(-1)
            along = [ratio * each for each in known[key]]
        made[name] = _in_q(model, found, along, score / batch if isinstance(score, Tensor) else None)
    return made


def _in_q(model: VAE, found: Pass, along: list[Tensor] | None, score: Tensor | None) -> list[Tensor]:
    """Return the gradient in the parameters of q.

    Args:
        along: path_k G_k of each layer, [K, B, latent].
        score: the score coefficients, [K, B].
    """
    outputs: Sequence[Tensor]
    flows: Sequence[Tensor]
    if len(found.z) == 1:  # for a Normal, sum over the samples before any graph is used
        path = None if along is None else along[0]
        outputs, flows = found.q, in_normal(path, score, found.noise, found.q[1].detach())
    else:
        outputs = [*([] if along is None else found.z), *([] if score is None else [found.log_q])]
        flows = [*(along or []), *([] if score is None else [score])]
    return list(torch.autograd.grad(outputs, model.inference, flows, retain_graph=True))
