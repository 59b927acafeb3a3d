"""Tensors that report cuda:0 and compute on the CPU, for machines without a GPU.

    with pretend() as ledger:
        x = torch.randn(50, 2, device="cuda")
        state = svgd.step(svgd.start(x, target), target)
    ledger.count("sync")            # how often the program would have waited for the GPU, and `ledger.table()` where

What CUDA refuses is refused: tensors of two devices in one operation, a generator of the wrong device, a numpy view of
GPU memory. What it allows and makes slow is counted: waiting for a number (`sync`), copies from and to the host
(`upload`, `download`), factories that fill a tensor on the host (`factory`), random numbers without a generator
(`global-rng`). Inside `ledger.capture()`, which stands for the capture of a CUDA graph, each of these raises.

Not seen: kernels that only CUDA has (compiled programs, cuBLAS workspaces), streams, memory, speed, autocast of
operations that labkit does not round itself.
"""

import collections
import contextlib
import functools
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

DEVICE = torch.device("cuda:0")
WAITS = {
    "aten._local_scalar_dense.default",
    "aten._unique2.default",
    "aten.equal.default",
    "aten.is_nonzero.default",
    "aten.masked_select.default",
    "aten.nonzero.default",
    "aten.repeat_interleave.Tensor",
}
INDEXES = {"aten._index_put_impl_.default", "aten.index.Tensor", "aten.index_put.default", "aten.index_put_.default"}
CROSSES = INDEXES | {  # operations that may take tensors of two devices
    "aten._has_compatible_shallow_copy_type.default",
    "aten._to_copy.default",
    "aten.copy_.default",
    "aten.set_.source_Tensor",
}
RANDOM = ("bernoulli", "exponential", "multinomial", "normal", "rand", "uniform")
HOST_SCALAR = ("addmv", "cat", "mm", "stack")  # operations that refuse even a zero-dimensional tensor of the host


class MixedDevicesError(RuntimeError):
    """Tensors, or a generator, of two devices in one operation."""


class CaptureError(RuntimeError):
    """An operation that the capture of a CUDA graph refuses."""


class Ledger:
    """What happened, by kind, operation and place in the code.

    Attributes:
        events: (kind, operation, place) -> how often.
        operations: how many operations ran on the pretended device.
    """

    def __init__(self) -> None:
        self.events: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.operations = 0
        self._capturing = False

    def note(self, kind: str, operation: str) -> None:
        place = _place()
        self.events[kind, operation, place] += 1
        if self._capturing:
            raise CaptureError(f"a graph cannot be captured here: {kind} by {operation} at {place}")

    def count(self, *kinds: str) -> int:
        """How many events of these kinds there are; counts all kinds if none is named."""
        return sum(n for (kind, _, _), n in self.events.items() if not kinds or kind in kinds)

    def table(self) -> str:
        """One line per kind, operation and place, the most frequent first; for the message of a failed test."""
        return "\n".join(f"{n:6d}  {kind:10s}  {name}  {place}" for (kind, name, place), n in self.events.most_common())

    def clear(self) -> None:
        self.events.clear()
        self.operations = 0

    @contextlib.contextmanager
    def capture(self) -> Iterator[None]:
        """Inside this context, everything that would break the capture of a CUDA graph raises `CaptureError`."""
        self._capturing = True
        try:
            yield
        finally:
            self._capturing = False

    @property
    def capturing(self) -> bool:
        return self._capturing


_ledgers: list[Ledger] = []  # the ledger of the open `pretend()`; tensors that outlive it record nothing
_generators: "weakref.WeakValueDictionary[int, Generator]" = weakref.WeakValueDictionary()
_HostGenerator = torch.Generator


class Generator(_HostGenerator):
    """A generator that reports the device it was made for and draws on the CPU."""

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        return _HostGenerator.__new__(cls, "cpu")

    def __init__(self, device: torch.device | str = "cpu") -> None:
        on_gpu = torch.device(device).type == "cuda"
        self._device = DEVICE if on_gpu else torch.device("cpu")
        if on_gpu:
            _generators[self._cdata] = self

    @property
    def device(self) -> torch.device:
        return self._device


class Tensor(torch.Tensor):
    """A tensor that reports cuda:0; `held` is the CPU tensor that computes."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "Tensor":
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device="meta",
        )  # fmt: skip
        made.held = held
        return made

    device = property(lambda self: DEVICE)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    is_meta = property(lambda self: False)

    def get_device(self) -> int:
        return 0

    def numpy(self, *, force: bool = False) -> Any:
        if not force:
            raise TypeError(f"can't convert cuda:0 device type tensor to numpy, at {_place()}; use .cpu() first")
        _note("sync", "numpy")
        return self.held.detach().numpy()

    def __array__(self, dtype: Any = None, *rest: Any, **more: Any) -> Any:
        raise TypeError(f"can't convert cuda:0 device type tensor to numpy, at {_place()}; use .cpu() first")

    def tolist(self) -> Any:
        _note("sync", "tolist")
        return self.held.tolist()

    def __repr__(self, **_: Any) -> str:
        return f"cuda:0 {self.held!r}"

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], meta: None, size: Any, stride: Any) -> "Tensor":
        return Tensor(inner["held"])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return _run(func, args, kwargs or {})


def _place() -> str:
    """The innermost two running lines of labkit."""
    frame, found = sys._getframe(1), []
    while frame is not None and len(found) < 2:
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] in ("labkit", "dashboards"):
            found.append(f"{module}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(found)


def _note(kind: str, operation: str) -> None:
    if _ledgers:
        _ledgers[-1].note(kind, operation)


def _run(func: Any, args: tuple, kwargs: dict) -> Any:
    """Run one operation on the CPU, after finding everything that CUDA would refuse or wait for."""
    name, flat = _name(func), _flat(args, kwargs)
    on_gpu = [each for each in flat if isinstance(each, Tensor)]
    on_host = [each for each in flat if isinstance(each, torch.Tensor) and not isinstance(each, Tensor)]
    if any(each.is_meta for each in on_host):
        raise NotImplementedError(f"the pretended GPU cannot carry this: {name} at {_place()}")
    asked = kwargs.get("device")
    to_gpu = bool(on_gpu) if asked is None else torch.device(asked).type in ("cuda", "meta")
    if name == "aten.copy_.default":
        to_gpu = isinstance(args[0], Tensor)
    _check_devices(name, on_gpu, on_host)
    _check_generators(name, flat, to_gpu)
    _count(name, args, on_gpu, on_host, asked, to_gpu)
    if not on_gpu and not to_gpu:
        return func(*args, **kwargs)
    if _ledgers and on_gpu:
        _ledgers[-1].operations += 1
    plain_args, plain_kwargs = map(_held, args), {key: _held(each) for key, each in kwargs.items()}
    if asked is not None:
        plain_kwargs["device"] = torch.device("cpu")
    plain_kwargs.pop("pin_memory", None)
    known = {id(each.held): each for each in on_gpu}
    found = _wrapped(func(*plain_args, **plain_kwargs), known, to_gpu)
    if name == "aten.set_.source_Tensor":
        return args[0]
    if on_gpu and to_gpu and _has_aliases(func):
        with contextlib.suppress(Exception):  # operations without a schema of aliases: the result stays unchanged
            return return_and_correct_aliasing(func, args, kwargs, found)
    return found


@functools.cache
def _name(func: Any) -> str:
    return str(func)


@functools.cache
def _has_aliases(func: Any) -> bool:
    """Whether an operation writes into an argument, or returns one or a view of one."""
    schema = func._schema
    return any(each.alias_info is not None for each in (*schema.arguments, *schema.returns))


def _flat(args: tuple, kwargs: dict) -> list:
    """The arguments of an operation. Of those that are lists of tensors, the tensors."""
    found: list = []
    for each in (*args, *kwargs.values()):
        if isinstance(each, list | tuple):
            found += each
        else:
            found.append(each)
    return found


def _held(each: Any) -> Any:
    if isinstance(each, list | tuple):
        return [_held(one) for one in each]
    return each.held if isinstance(each, Tensor) else each


def _wrapped(each: Any, known: dict[int, Tensor], to_gpu: bool) -> Any:
    if isinstance(each, list | tuple):
        return type(each)(_wrapped(one, known, to_gpu) for one in each)
    if not isinstance(each, torch.Tensor):
        return each
    return known[id(each)] if id(each) in known else Tensor(each) if to_gpu else each


def _check_devices(name: str, on_gpu: list, on_host: list) -> None:
    if not on_gpu or not on_host:
        return
    large = [each for each in on_host if each.ndim]
    if (large and name not in CROSSES) or (not large and any(word in name for word in HOST_SCALAR)):
        shapes = f"{[tuple(each.shape) for each in on_gpu]} and {[tuple(each.shape) for each in on_host]}"
        raise MixedDevicesError(
            f"expected all tensors on one device, got cuda:0 and cpu {shapes} in {name} at {_place()}"
        )


def _check_generators(name: str, flat: list, to_gpu: bool) -> None:
    given = [each for each in flat if isinstance(each, _HostGenerator)]
    for each in given:
        if (each._cdata in _generators) != to_gpu:
            wanted = "cuda" if to_gpu else "cpu"
            raise MixedDevicesError(f"expected a {wanted} generator, got another in {name} at {_place()}")
    if to_gpu and not given and _is_random(name):
        _note("global-rng", name)


@functools.cache
def _is_random(name: str) -> bool:
    return any(word in name for word in RANDOM)


def _count(name: str, args: tuple, on_gpu: list, on_host: list, asked: Any, to_gpu: bool) -> None:
    if on_gpu and name in WAITS:
        _note("sync", name)
    if on_gpu and name in INDEXES:
        _count_index(name, args)
    if name == "aten.copy_.default" and isinstance(args[0], Tensor) != isinstance(args[1], Tensor):
        _note("upload" if isinstance(args[0], Tensor) else "download", name)
    if name == "aten._to_copy.default" and asked is not None and isinstance(args[0], Tensor) != to_gpu:
        _note("upload" if to_gpu else "download", name)
    if _ledgers and _ledgers[-1].capturing and not on_gpu and not to_gpu and name.startswith("aten."):
        _note("host", name)  # in a graph it would run only once, at the capture


def _count_index(name: str, args: tuple) -> None:
    if not isinstance(args[0], Tensor):
        raise MixedDevicesError(f"a cpu tensor is indexed by one of cuda:0 in {name} at {_place()}")
    index = [each for each in args[1] or [] if isinstance(each, torch.Tensor)]
    if any(not isinstance(each, Tensor) and each.ndim for each in index):
        _note("upload", name)
    if any(each.dtype in (torch.bool, torch.uint8) for each in index):
        _note("sync", name)  # the number of elements must be known


class _Operations(TorchDispatchMode):
    """Sees the operations without a pretended tensor among their arguments: factories, copies to the device."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and torch's wrapper for that would take a tenth of the time

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return _run(func, args, kwargs or {})


class _Names(TorchFunctionMode):
    """Reads "cuda" as cuda:0, and makes `torch.tensor(..., device="cuda")`, which no operation carries out."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = {name: _indexed(value) for name, value in kwargs.items()} if kwargs else {}
        if func is torch.Tensor.new_tensor and isinstance(args[0], Tensor):
            func, args, kwargs = torch.tensor, args[1:], {"dtype": args[0].dtype, "device": DEVICE} | kwargs
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and isinstance(args[0], Tensor):
            args = (args[0], _tensors(args[1]), *args[2:])
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") == DEVICE:
            kwargs.pop("device")
            if isinstance(args[0], torch.Tensor):
                return args[0].to(device=DEVICE, **kwargs)
            _note("factory", "torch.tensor")
            return Tensor(func(*args, **kwargs))
        return func(*[_indexed(each) for each in args], **kwargs)


def _tensors(index: Any) -> Any:
    """An index whose lists are host tensors; torch's own code would make them on the tensor's device."""
    if isinstance(index, tuple):
        return tuple(_tensors(each) for each in index)
    return torch.tensor(index) if isinstance(index, list) else index


def _indexed(each: Any) -> Any:
    named = isinstance(each, str) and each in ("cuda", "cuda:0")
    return DEVICE if named or (isinstance(each, torch.device) and each.type == "cuda") else each


def _replaced() -> list[tuple[Any, str, Callable | type]]:
    return [
        (torch, "Generator", Generator),
        (torch.cuda, "_lazy_init", lambda: None),
        (torch.cuda, "is_available", lambda: True),
        (torch.cuda, "device_count", lambda: 1),
        (torch.cuda, "is_bf16_supported", lambda *_: True),
        (torch.cuda, "synchronize", lambda *_: _note("sync", "torch.cuda.synchronize")),
    ]


@contextlib.contextmanager
def pretend() -> Iterator[Ledger]:
    """Inside this context, torch has one CUDA device, cuda:0."""
    # otherwise autograd refuses a tensor of a device that this torch was built without
    torch._C._ensureCUDADeviceGuardSet()
    ledger, before = Ledger(), [(where, name, getattr(where, name)) for where, name, _ in _replaced()]
    for where, name, instead in _replaced():
        setattr(where, name, instead)
    _ledgers.append(ledger)
    try:
        with _Operations(), _Names():
            yield ledger
    finally:
        _ledgers.pop()
        for where, name, value in before:
            setattr(where, name, value)
