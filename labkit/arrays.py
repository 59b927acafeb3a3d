"""What is an array, and how one becomes a tensor."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Arrayed(Protocol):
    """An object that numpy reads as an array, such as a data frame or a series."""

    def __array__(self, *args: Any, **options: Any) -> Any: ...


def check_tensor(what: str, value: object, name: str = "x") -> None:
    """Raise an error with the call that converts, unless a value is a tensor.

    Args:
        what: the words before the name, for example the target.
        name: the name of the value.

    Raises:
        TypeError: it is something else, for example an array or a data frame.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{what}{name} must be a tensor, got {type(value).__name__}; use {conversion(value, name)}")


def conversion(value: object, name: str = "x") -> str:
    """Return the call that makes a tensor of float64 from an array, a data frame or a list."""
    return f"torch.as_tensor({name}{'.to_numpy()' if hasattr(value, 'to_numpy') else ''}, dtype=torch.float64)"
