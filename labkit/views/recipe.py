"""A run on a page as a few lines of Python that repeat it elsewhere."""

import inspect
import json
from typing import Any

from labkit.engine import Run
from labkit.experiments.settings import ExperimentSettings, Linkable

WIDE = 100  # characters of a line with all arguments
NOT_OF_THE_RUN = ("name", "story")  # parameters that change no step


def of_run(scene: type, settings: ExperimentSettings[Any], steps: int, loads: str = "") -> str:
    """Return Python that repeats a run, and shows it in the last line of a notebook's cell.

    Args:
        scene: the class that shows the settings.
        settings: what it runs; only values that differ from the defaults are written.
        steps: number of steps of the run.
        loads: Python that loads the network, for settings that need one.
    """
    made = call(settings, loads)
    imports = {f"from {_package(kind)} import {kind.__name__}" for kind in (*_kinds(settings), scene)}
    imports |= {"from labkit import load_checkpoint"} if "load_checkpoint(" in made else set()
    imports |= {"from labkit.stream import iterate"} if steps else set()
    runs = f"*_, state = islice(iterate(settings.step, settings.start()), {steps + 1})  # steps: {steps}"
    return "\n".join([
        *(["from itertools import islice", ""] if steps else []),
        *sorted(imports),
        "",
        f"settings = {made}",
        runs if steps else "state = settings.start()  # settings.step(state) is the next one",
        f"{scene.__name__}(settings)  # the last line of a notebook's cell shows the run",
        "",
    ])  # fmt: skip


def steps(run: Run) -> int:
    """Return how many steps led to the state on screen; 0 if the run could not start."""
    try:
        return int(run.past(lambda past: past.marks[run.position]))
    except RuntimeError:
        return 0


def call(settings: ExperimentSettings[Any], loads: str = "") -> str:
    """Return the call that makes equal settings."""
    given = [_argument(name, settings, loads) for name in inspect.signature(type(settings).__init__).parameters]
    parts = [*filter(None, given), *(f"{name}={text(value)}" for name, value in changed(settings).items())]
    kind, line = type(settings).__name__, ", ".join(parts)
    if len(kind) + len(line) <= WIDE and "\n" not in line:
        return f"{kind}({line})"
    return f"{kind}(\n" + "".join(f"    {part},\n" for part in (part.replace("\n", "\n    ") for part in parts)) + ")"


def text(value: Any) -> str:
    """Return a value as Python."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def changed(owner: Linkable) -> dict[str, Any]:
    """Return the parameters whose values a new object would not have.

    A default that the object has found itself, for example from its network, counts as changed: another order of the
    arguments could give another one.
    """
    usual, own = type(owner).param, owner.param
    return {
        name: value
        for name, value in own.values().items()
        if name not in NOT_OF_THE_RUN and not value == own[name].default == usual[name].default
    }


def _argument(name: str, settings: Any, loads: str) -> str:
    """Return an argument of the class that is not one of its parameters, "" if it is not needed."""
    if name == "model":
        return loads
    if name == "networks" and settings.network is not None:
        return f"{{{text(settings.network)}: {text(str(settings.networks[settings.network]))}}}"
    if name == "run":
        return call(settings.run)
    if name == "device" and settings.device != "cpu":
        return f"device={text(settings.device)}"
    return ""


def _kinds(settings: Any) -> list[type]:
    return [type(settings), *([type(settings.run)] if "run" in vars(settings) else [])]


def _package(kind: type) -> str:
    """Return the package that exports a class."""
    return kind.__module__.rpartition(".")[0]
