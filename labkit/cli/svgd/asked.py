"""Turns the options of a command line into the settings of an experiment; a mistake ends with one line."""

import math
from pathlib import Path
from typing import Any

from labkit.cli.errors import check_writable, fail, unknown

ENDINGS = {"gif": ".gif", "png": ".png", "html": ".html", "csv": ".csv", "curves": ".csv"}
WORDS = {"begin": "start", "bandwidth": "bandwidth rule", "temper": "tempering", "length": "bandwidth"}


def check_paths(files: dict[str, Path]) -> None:
    """Fail before the run if a file cannot be written."""
    for name, path in files.items():
        if path.suffix.lower() != ENDINGS[name]:
            fail(f"--{name} needs a path that ends in {ENDINGS[name]}, got {path}; rename it")
        check_writable(f"--{name}", path)
    if len({path.resolve() for path in files.values()}) < len(files):
        fail(f"two files would have the same name: {', '.join(map(str, files.values()))}; give each its own")


def bandwidth(words: str) -> dict[str, Any]:
    """Return the settings of a rule, or of a fixed length."""
    if words == "fixed":
        fail("a fixed bandwidth is given as its length, in units of x: --bandwidth 0.5")
    try:
        length = float(words)
    except ValueError:
        return {"bandwidth": words}
    return {"bandwidth": "fixed", "length": length}


def experiment(settings: dict[str, Any], parameters: list[str], device: str) -> Any:
    """Return the experiment with these settings, which may exceed the range of a page's sliders.

    Raises:
        ValueError: the device does not exist, or the experiment refuses a setting.
    """
    import param

    from labkit.experiments.svgd.particles import FIXED, ParticlesSettings
    from labkit.serving import devices

    made = ParticlesSettings(devices.choose(device))
    for name, value in settings.items():
        known = made.param[name].objects if isinstance(made.param[name], param.Selector) else []
        if known and value not in known:
            unknown(WORDS.get(name, name), value, [each for each in known if each != FIXED])
        if isinstance(value, float):
            _check_number(name, value, made.param[name].bounds)
    made.param.update(**settings, **_parameters(settings["target"], parameters))
    suits = dict(zip(("begin_mean", "begin_scale"), made.density().start, strict=True))
    made.param.update(**{name: value for name, value in suits.items() if name not in settings})
    return made


def _check_number(name: str, value: float, bounds: tuple | None) -> None:
    words = WORDS.get(name, name.replace("_", " ").replace("begin", "start"))
    if not math.isfinite(value) or (bounds and value <= bounds[0]):
        fail(f"{words} must be {f'> {bounds[0]:g} and ' if bounds else ''}finite, got {value:g}")


def _parameters(target: str, given: list[str]) -> dict[str, Any]:
    """Return the settings of `--param`: those of modes are settings of the run, all others go into its `shape`."""
    from labkit.experiments.svgd.particles import ParticlesSettings, modes_of
    from labkit.targets import PARAMETERS

    modes, known, found = modes_of(target).values(), PARAMETERS.get(target, {}), {}
    for words in given:
        name, equals, value = words.partition("=")
        if not (modes or known):
            fail(f"{target} has no parameters, got --param {words}")
        if not equals:
            fail(f"--param needs NAME=VALUE, got {words}; {target} has {', '.join([*modes, *known])}")
        if name in modes:
            many = isinstance(ParticlesSettings.param[name].default, list)
            found[name] = [_number(words, v) for v in value.split(",")] if many else _number(words, value)
        elif name in known:
            whole = isinstance(known[name].default, int)
            found[name] = _whole(words, _number(words, value)) if whole else _number(words, value)
        else:
            unknown(f"parameter of {target}", name, [*modes, *known])
    if "means" in found and "weights" in modes:
        found.setdefault("weights", [1 / len(found["means"])] * len(found["means"]))
    return {name: found[name] for name in found if name in modes} | {
        "shape": {name: found[name] for name in found if name in known}
    }


def _number(words: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else fail(f"--param {words}: {value!r} is not a number")


def _whole(words: str, number: float) -> int:
    return int(number) if number == int(number) else fail(f"--param {words}: it must be a whole number")
