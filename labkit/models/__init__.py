"""Trained networks: those that labkit ships in this folder, and those of your own runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXPORT = "model.safetensors"  # in a run's folder
HEADER = 2**20  # largest header of a file in bytes; labkit's files have one or two thousand


def _draw() -> tuple[Any, type]:
    from labkit.draw import DRAW, Config

    return DRAW, Config


def _vae() -> tuple[Any, type]:
    from labkit.dreg import VAE, Config

    return VAE, Config


# kind -> function that returns the classes of its networks and of their configs
KINDS: dict[str, Callable[[], tuple[Any, type]]] = {"draw": _draw, "vae": _vae}


def config_class(kind: str) -> type | None:
    """Return the class of the configs of a kind, None if the kind is unknown."""
    return KINDS[kind]()[1] if kind in KINDS else None


def shipped() -> list[str]:
    """Return the names of the networks that come with labkit."""
    return sorted(path.stem for path in HERE.glob("*.safetensors"))


def load_checkpoint(name: str | Path) -> Any:
    """Return a trained module in eval mode, on the CPU.

    Args:
        name: the folder of a run, a .safetensors file, or the name of a shipped network.

    Raises:
        FileNotFoundError: no model has this name.
        ValueError: the file is not one of labkit's, or does not fit the network that it names.
    """
    from safetensors.torch import load_file

    path = find(name)
    about = card(path)
    try:
        network, config = KINDS[about["kind"]]()
        module = network(config(**json.loads(about["config"])))
        module.load_state_dict(load_file(path))  # this converts bfloat16 to the module's float32
    except (RuntimeError, TypeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        why = lines[min(1, len(lines) - 1)]
        raise ValueError(
            f"{path} does not fit the network that it names ({why}); export it again with this labkit"
        ) from None
    return module.eval()


def find(name: str | Path) -> Path:
    """Return the weights file for a run's folder, a path, or a shipped name.

    Raises:
        FileNotFoundError: there is no file; the message lists the shipped names.
    """
    path = Path(name)
    for each in (path / EXPORT, path, HERE / f"{name}.safetensors"):
        if each.is_file():
            return each
    there = ", ".join(shipped()) or "none yet"
    why = f"{path} has no {EXPORT} yet" if path.is_dir() else f"no model is called {str(name)!r}"
    raise FileNotFoundError(f"{why}; give a run's folder, a .safetensors file or a shipped name ({there})")


def card(name: str | Path) -> dict[str, str]:
    """Return the facts in a file: kind, config, data, binarisation, steps and test bound, all as strings.

    Raises:
        FileNotFoundError: no model has this name.
        ValueError: the file is damaged, or not one of labkit's.
    """
    from safetensors import SafetensorError, safe_open

    path = find(name)
    try:
        _check_header(path)
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} must be a complete safetensors file ({error}); copy or download it again") from None
    if about.get("kind") not in KINDS or "config" not in about:
        raise ValueError(
            f"{path} must name one of the kinds {', '.join(KINDS)} and its config, got {about.get('kind')!r}; "
            "use a file that labkit train wrote"
        )
    return about


def _check_header(path: Path) -> None:
    """Raise OSError if the header of a file is too long to be read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER:
        raise OSError(f"its header has {length:,} bytes, at most {HEADER:,} are allowed")
