"""What labkit uses of torch that torch does not promise to keep."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Transform
from torch.distributions.constraints import Constraint

ONE_ROUNDING = {"cpp.enable_floating_point_contract_flag": "fast"}
"""Options of `torch.compile`: a product and the sum that follows are rounded once, in one instruction of a CPU."""


def tanh_backward(flow: Tensor, y: Tensor) -> Tensor:
    """Return flow (1 - y^2), where y = tanh(x), in one pass over memory; torch's public functions take three."""
    return torch.ops.aten.tanh_backward(flow, y)


def relu_backward(flow: Tensor, y: Tensor) -> Tensor:
    """Return flow where y = relu(x) is above 0, else 0, in one pass over memory; no public function does."""
    return torch.ops.aten.threshold_backward(flow, y, 0.0)


def transforms_active() -> bool:
    """Return whether a transform of `torch.func` is at work; no public function says so."""
    return torch._C._are_functorch_transforms_active()


def no_compiler() -> type[Exception]:
    """Return the error of a compiled function's first call where there is no C++ compiler.

    A function, as are the two below: torch imports its compiler when that is used first, which takes a second.
    """
    from torch._inductor.exc import InductorError

    return InductorError


def too_many_programs() -> type[Exception]:
    """Return the error of a compiled function that was called with more shapes than `most_programs()`."""
    from torch._dynamo.exc import FailOnRecompileLimitHit

    return FailOnRecompileLimitHit


def most_programs() -> int:
    """Return how many times torch compiles one function in one process."""
    from torch._dynamo import config

    return config.recompile_limit


def switch_checks_off(distribution: Distribution) -> None:
    """Let a distribution evaluate points outside its support, too; torch takes this wish only when it is made."""
    distribution._validate_args = False


def contents(value: Constraint | Transform) -> Iterator[Any]:
    """Yield what a constraint or a transform was made with, without the last point that a transform remembers."""
    yield from (each for name, each in vars(value).items() if name != "_cached_x_y")
