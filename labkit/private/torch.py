"""What labkit uses of torch that torch does not promise to keep."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Transform
from torch.distributions.constraints import Constraint

ONE_ROUNDING = {"cpp.enable_floating_point_contract_flag": "fast"}
"""Options of `torch.compile`: round a product and the following sum only once, in one CPU instruction."""


def tanh_backward(flow: Tensor, y: Tensor) -> Tensor:
    """Return flow (1 - y^2), where y = tanh(x), in one pass over memory. Torch's public functions need three."""
    return torch.ops.aten.tanh_backward(flow, y)


def relu_backward(flow: Tensor, y: Tensor) -> Tensor:
    """Return flow where y = relu(x) is above 0, otherwise 0, in one pass over memory. No public function does that."""
    return torch.ops.aten.threshold_backward(flow, y, 0.0)


def transforms_active() -> bool:
    """Return whether a transform of `torch.func` is active. There is no public function for it."""
    return torch._C._are_functorch_transforms_active()


def no_compiler() -> type[Exception]:
    """Return the error class of a compiled function's first call without a C++ compiler.

    This and the next two are functions because the import of torch's compiler takes a second.
    """
    from torch._inductor.exc import InductorError

    return InductorError


def too_many_programs() -> type[Exception]:
    """Return the error class of a compiled function that is called with more shapes than `most_programs()`."""
    from torch._dynamo.exc import FailOnRecompileLimitHit

    return FailOnRecompileLimitHit


def most_programs() -> int:
    """Return how many times torch compiles one function in one process."""
    from torch._dynamo import config

    return config.recompile_limit


def switch_checks_off(distribution: Distribution) -> None:
    """Allow a distribution to evaluate points outside its support. Torch offers this only at its creation."""
    distribution._validate_args = False


def contents(value: Constraint | Transform) -> Iterator[Any]:
    """Yield the arguments of a constraint or a transform, without the last point that a transform remembers."""
    yield from (each for name, each in vars(value).items() if name != "_cached_x_y")
