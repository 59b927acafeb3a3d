"""The training task of a VAE, with any of the estimators."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labkit.data import binarisation
from labkit.derivatives import once
from labkit.dreg import control, passes
from labkit.dreg.bounds import iwae
from labkit.dreg.estimators import find
from labkit.dreg.fast import gradients as fast
from labkit.dreg.networks import VAE
from labkit.dreg.passes import Pass
from labkit.training import sheet

SAMPLES = 64  # K


class Task:
    """The part of a VAE that `labkit.training.fit` uses.

    Args:
        module: the network, trained in place; for dreg-cv, which learns its parameters, one of `Config(controls=True)`.
        estimator: a name of `ESTIMATORS`.
        samples: K.
        parameters: parameters of the estimator, for example {"alpha": 0.5} for dreg-alpha.
        inference_only: do not train the generative half, only q.
        binarize: one of `labkit.data.binarisation`.
        data: the name of the data set, for the model card.

    Raises:
        ValueError: an unknown estimator or binarisation, or too few samples.
        TypeError: the estimator does not have a parameter.
    """

    kind = "vae"

    def __init__(
        self,
        module: VAE,
        estimator: str = "dreg",
        samples: int = SAMPLES,
        *,
        parameters: dict[str, float] | None = None,
        inference_only: bool = False,
        binarize: str = "stochastic",
        data: str = "",
    ):
        binarisation.check(binarize)
        least = find(estimator, parameters or ()).least
        if samples < least:
            raise ValueError(f"{estimator} needs at least K = {least} samples, got {samples}; draw more")
        learned = find(estimator).learned
        if learned != (module.controls is not None):
            needs = "one with control variates" if learned else "one without control variates"
            raise ValueError(f"the network of {estimator} must be {needs}; use VAE(Config(controls={learned}))")
        self.module, self.estimator, self.samples, self.binarize = module, estimator, samples, binarize
        self.parameters = dict(parameters or {})
        for each in module.generative:
            each.requires_grad_(not inference_only)
        self.config = asdict(module.config)
        self.facts = {
            "data": data, "binarisation": binarize, "estimator": estimator, "samples": str(samples),
            "inference_only": str(inference_only), **{name: repr(value) for name, value in self.parameters.items()},
        }  # fmt: skip

    def batch(self, data: tuple[Tensor, ...], index: Tensor, generator: torch.Generator) -> Tensor:
        """Return images (B, 1, H, W) in [0, 1]."""
        return binarisation.drawn(data[0][index], self.binarize, self.module.mean.dtype, generator)

    def loss(self, module: VAE, batch: Tensor, generator: torch.Generator, beta: Tensor) -> dict[str, Tensor]:
        """Return means over the batch in nats; "loss" and "bound" are minus the bound of the estimator.

        Training follows the estimator: the loss has its gradient, not the gradient of its own value. `lx` and `lz`
        belong to the K = 1 bound. The KL has no weight here, so beta is not used.
        """
        found = passes.run(module, batch, self.samples, generator=generator)
        told = -find(self.estimator).bound(found.log_w).mean()  # may be NaN, then the loop skips the step
        weights, gradients = self._gradients(module, found)
        loss = _Carry.apply(told, [-each for each in gradients], *weights)  # type: ignore[no-untyped-call]  # untyped
        lx, lz = found.nll.mean(), found.kl.sum(0).mean()
        return {"loss": loss, "bound": told, "lx": lx, "lz": lz}

    def _gradients(self, module: VAE, found: Pass) -> tuple[list[Tensor], list[Tensor]]:
        """Return the trained weights, and the gradient of the maximised objective in each."""
        theta = [each for each in module.generative if each.requires_grad]
        generative, leaves = fast.generative_gradients(module, found, self.estimator)
        if module.controls is not None:
            own = list(module.controls.values())
            phi, steps = control.gradients(found.samples(), module.inference, module.controls, self.estimator)
            down = [-each for each in (*phi, *steps.values())]
            return [*theta, *module.inference, *own], [*generative, *down]
        parameters, known = {self.estimator: self.parameters}, {self.estimator: leaves}
        phi = fast.inference_gradients(module, found, [self.estimator], parameters, known)[self.estimator]
        return [*theta, *module.inference], [*generative, *phi]

    def evaluate(self, module: VAE, batches: Iterable[Tensor], generator: torch.Generator) -> dict[str, Any]:
        """Return means over all images in nats: "bound", "lx" and "lz" of one sample, and "kl" of each layer.

        The bound is minus L of K samples for every estimator, so that networks can be compared. "active" is the number
        of active units of z_1, 0 for a single image.

        Raises:
            ValueError: log p(x, z) is not finite.
        """
        total = nll = kl = torch.zeros((), dtype=torch.float64)
        n, means = 0, []
        for x in batches:
            parts = list(passes.log_weights(module, x, self.samples, generator=generator))
            log_w, seen = (torch.cat(each).double() for each in list(zip(*parts, strict=True))[:2])
            total, n = total - iwae(log_w).sum(), n + len(x)
            nll = nll + seen.mean(0).sum()
            kl = kl + torch.cat([each for _, _, each in parts], 1).double().mean(1).sum(1)
            means.append(module.infer(x.flatten(1))[0].detach())
        active = int(passes.active(torch.cat(means)).sum()) if n > 1 else 0
        by_layer = (kl / n).tolist()
        return {"bound": float(total / n), "lx": float(nll / n), "lz": sum(by_layer), "kl": by_layer, "active": active}

    def sheet(self, module: VAE, generator: torch.Generator) -> np.ndarray | None:
        """Return samples from the prior, uint8 (H, W), or `None` for a network that needs half of each image."""
        if module.config.halves:
            return None
        return sheet.tiled(module.generate(sheet.SIDE**2, generator=generator))


class _Carry(torch.autograd.Function):
    """A value with a given gradient in the weights, because many estimators are not the gradient of a number."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: Sequence[Tensor], *weights: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    @once("this loss has a fixed gradient; use dreg.surrogate of found.samples() or of dreg.evaluate")
    def backward(ctx: Any, flow: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(flow * each for each in ctx.gradients)
