"""The call of the original program, with the same numbers but without its errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labkit.svgd.bandwidths import Bandwidth, rule
from labkit.svgd.checks import check_finite, check_particles, evaluate_score, float_dtype, floats
from labkit.svgd.flow import KERNEL, direction
from labkit.svgd.kernels import Kernel
from labkit.svgd.optimizers import Adagrad
from labkit.svgd.registry import kernel_of
from labkit.targets.scores import Score, as_score


class SVGD:
    """Stein variational gradient descent with the call of Liu & Wang's `svgd.py`.

    It differs from that code in these points:
    - `bandwidth` is used; there, any value meant the median.
    - One particle works; there, it gave NaN.
    - A score that writes into its argument does not move the particles; there, it did.
    - The arguments are checked, and `x0` may be a tensor on any device.

    Args:
        kernel: as in `labkit.svgd.start`; default the RBF.
    """

    def __init__(self, kernel: Kernel | str = KERNEL):
        self.kernel = kernel_of(kernel)

    def update(
        self,
        x0: Any,
        lnprob: Any,
        n_iter: int = 1000,
        stepsize: float | int = 1e-3,
        bandwidth: Bandwidth = -1,
        alpha: float | int = 0.9,
        debug: bool = False,
    ) -> np.ndarray | Tensor:
        """Move x0 (n, d) by `n_iter` steps and return the particles.

        A numpy array x0 returns an array; a tensor returns a tensor.

        Args:
            x0: an array, a tensor, or an object that numpy reads as an array, such as a data frame.
            lnprob: the SCORE (despite its name): (n, d) -> (n, d), arrays or tensors as x0 is; or a target.
            stepsize: the step size of Adagrad in units of x; the first step moves every coordinate by it.
            bandwidth: the length h, or -1 for the median rule (`median_bandwidth`); or a rule, as in `start`.
            alpha: the decay of Adagrad's memory.
            debug: print the step's number every thousand steps, as the original does.

        Raises:
            TypeError, ValueError: as `start`; also if n_iter is negative, or bandwidth is neither -1 nor > 0.
        """
        if n_iter < 0 or n_iter != int(n_iter):
            raise ValueError(f"n_iter must be a whole number >= 0, got {n_iter}; give the number of steps")
        is_array = hasattr(x0, "__array__") and not isinstance(x0, Tensor)  # also a data frame
        x0 = np.asarray(x0) if is_array else x0
        x = torch.from_numpy(floats(x0, "particles", float_dtype(x0))) if is_array else x0
        check_particles(x)
        x, score = x.detach().clone(), as_score(lnprob)
        if is_array and score is lnprob:
            score = _on_arrays(lnprob)
        find_h = rule("median" if isinstance(bandwidth, float | int) and bandwidth == -1 else bandwidth)
        optimizer, memory, h = Adagrad(stepsize, alpha), None, None
        for t in range(int(n_iter)):
            if debug and (t + 1) % 1000 == 0:
                print(f"iter {t + 1}")  # noqa: T201  the original prints this too
            s = evaluate_score(score, x, t)
            phi, h = direction(x, s, self.kernel, find_h, h, t)
            move, memory = optimizer(phi, memory)
            x = x + move
        check_finite(x, "the particles at the end", "use a smaller stepsize")
        return x.numpy() if is_array else x


def _on_arrays(lnprob: Callable[..., object]) -> Score:
    """Return a score of arrays as a score of tensors."""

    def score(x: Tensor) -> Tensor:
        points = x.numpy()
        return torch.from_numpy(floats(lnprob(points), "the score's values", points.dtype))

    return score
