"""The checks of `labkit doctor`. Each one yields rows for its table."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.serving.settings import ADDRESS, PORT

PACKAGES = ("labkit", "torch", "panel", "holoviews", "bokeh", "jupyterlab")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "firefox", "msedge")


@dataclass(frozen=True)
class Check:
    """One line of the table; `state` is good, fair (works, could be better) or bad (must be fixed)."""

    what: str
    found: str
    state: str = "good"
    advice: str = "nothing to do"


def versions() -> Iterator[Check]:
    good = sys.version_info >= (3, 11)
    advice = "nothing to do" if good else "install Python 3.11 or newer"
    yield Check("python", f"{platform.python_version()} on {platform.system()}", "good" if good else "bad", advice)
    for name in PACKAGES:
        try:
            yield Check(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, "missing", "bad", "pip install labkit again, in this environment")


def devices() -> Iterator[Check]:
    if importlib.util.find_spec("torch") is None:
        return
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for index in range(count):
        yield _float64(f"cuda:{index}", torch.cuda.get_device_name(index))
    yield _float64("cpu", platform.processor() or platform.machine())
    if torch.backends.mps.is_available():
        yield Check("device mps", "no float64", "fair", "labkit cannot use it; choose --device cpu")
    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    few = threads < cores // 2
    advice = "set OMP_NUM_THREADS to use more" if few else "a page with a small problem uses one"
    yield Check("threads", f"torch uses {threads} of {cores} cores", "fair" if few else "good", advice)


def compiler() -> Iterator[Check]:
    names = ("cl",) if os.name == "nt" else ("g++", "clang++")
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        yield Check("C++ compiler", found, "good", "labkit.svgd.FusedRBF can use it")
    else:
        advice = f"install {names[0]} for labkit.svgd.FusedRBF; everything else works without it"
        yield Check("C++ compiler", "none", "fair", advice)


def browser() -> Iterator[Check]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        yield Check("browser", found, "good", "the browser tests need a Chromium")
    else:
        yield Check("browser", "none on PATH", "fair", "install Chromium for the browser tests")


def data() -> Iterator[Check]:
    named = os.environ.get("LABKIT_DATA")
    if not named:
        yield Check("data folder", "LABKIT_DATA is not set", "good", "set it to a folder of data sets to work offline")
    elif Path(named).is_dir():
        yield Check("data folder", named, "good", "labkit searches it before it downloads anything")
    else:
        yield Check(
            "data folder",
            f"{named} is not a folder",
            "fair",
            "unset LABKIT_DATA, or name an existing folder",
        )


def port(number: int = PORT) -> Iterator[Check]:
    try:
        with socket.create_server((ADDRESS, number)):
            yield Check(f"port {number}", "free", "good", "labkit serve can use it")
    except OSError:
        yield Check(
            f"port {number}",
            "in use",
            "fair",
            f"use labkit serve --port {number + 1}, or stop the program that uses this port",
        )


def _float64(device: str, name: str) -> Check:
    import torch

    try:
        exact = float(torch.ones(1, dtype=torch.float64, device=device).exp()) > 2.7
    except RuntimeError as error:
        return Check(f"device {device}", f"{name}: {str(error).splitlines()[0]}", "fair", "choose --device cpu")
    if exact:
        return Check(f"device {device}", f"{name}, float64")
    return Check(f"device {device}", f"{name}: wrong numbers", "bad", "update its driver, or choose another device")
