"""The control variates of dreg-cv are learned so that they lower the squared norm of the gradient.

    controls = control.start()
    optimizer = torch.optim.Adam([*encoder.parameters(), *controls.values()], lr=3e-4)
    gradients, of_controls = control.gradients(samples, list(encoder.parameters()), controls)

The gradient is unbiased for any values, so a smaller second moment means a smaller variance.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from labkit.dreg.estimators import CONTROLS
from labkit.dreg.gradients import Samples, surrogate


def start(dtype: torch.dtype = torch.float32, device: torch.device | str | None = None) -> nn.ParameterDict:
    """Return alpha, beta, gamma and delta, all zero."""
    zero = torch.zeros((), dtype=dtype, device=device)
    return nn.ParameterDict({name: nn.Parameter(zero.clone()) for name in CONTROLS})


def gradients(
    samples: Samples,
    parameters: Sequence[Tensor],
    controls: nn.ParameterDict | Mapping[str, Tensor],
    name: str = "dreg-cv",
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return the gradients of both losses, each to be MINIMISED by an optimiser (`p.grad = ...`).

    The first is the gradient of minus the batch's mean surrogate, with respect to the proposal's parameters. The second
    differentiates the mean square of the first once more, with respect to the controls.

    Args:
        name: the estimator whose own parameters are the controls.
    """
    loss = -surrogate(samples, name, **controls).mean()
    first = torch.autograd.grad(loss, list(parameters), create_graph=True)
    square = torch.cat([each.flatten() for each in first]).square().mean()
    second = torch.autograd.grad(square, list(controls.values()), retain_graph=True)  # the model's gradient may follow
    return [each.detach() for each in first], dict(zip(controls, second, strict=True))
