"""Helpers for tabs that compute on a device of the server and keep their states in main memory, for the pictures."""

import dataclasses
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def moved(value: T, device: torch.device | str) -> T:
    """Return a tensor, or a tuple or dataclass of tensors, on a device. Other values stay the same."""
    return _moved(value, device)


def _moved(value: Any, device: torch.device | str) -> Any:  # returns the type of the argument
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        parts = [_moved(each, device) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _moved(getattr(value, field.name), device) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


def kept(value: T) -> T:
    """Return the value in main memory."""
    return moved(value, "cpu")


def noise(seed: int, device: torch.device | str) -> torch.Generator:
    """Return a random generator with this seed; each kind of device has different random numbers."""
    return torch.Generator(device).manual_seed(seed)
