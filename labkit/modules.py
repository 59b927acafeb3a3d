"""A module as a function of its parameters."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.func import functional_call

M = TypeVar("M", bound=nn.Module)
A = TypeVar("A")  # what a use of a module returns


class _Caller(nn.Module):
    """A module whose forward pass is any use of another module, because `functional_call` only calls forward."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, use: Callable[[Any], A]) -> A:
        return use(self.module)


def call(module: M, parameters: Mapping[str, Tensor], use: Callable[[M], A]) -> A:
    """Return use(module) with these parameters in the module, by name; the others stay.

    Do not use one module from two threads at once.
    """
    named = {f"module.{name}": part for name, part in parameters.items()}
    return functional_call(_Caller(module), named, (use,))
