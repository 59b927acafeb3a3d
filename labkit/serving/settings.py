"""The options with which this process serves. `server.serve` writes them, pages read them.

    from labkit.serving import settings
    x0 = torch.randn(200, 2, device=settings.device)    # "cpu", "cuda" or "cuda:1"

`device` is determined at its first use, because torch takes longer to find a GPU than the server to start.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.places import RUNS
from labkit.serving import devices

if TYPE_CHECKING:
    from labkit.serving.rooms import Rooms

PORT = 5006
ADDRESS = "127.0.0.1"  # this machine alone
CLASS = 30  # expected visitors if other machines have access


@dataclass(frozen=True)
class Limits:
    """What visitors may take.

    Args:
        sessions: open sessions of all visitors.
        per_address: open sessions of one network address.
        message: bytes of one message from a browser.
        parts: binary parts of one message from a browser.
        steps: steps that the runs of one session may take.
        away: seconds for which a session computes although no visitor looks at it.
        rooms: open classes. watchers: browsers that follow one of them.
        particles: particles of a run. images: images that are drawn at once. samples: samples K of a gradient.
    """

    sessions: int = 300
    per_address: int = 100
    message: int = 2 << 20
    parts: int = 64
    steps: int = 10_000_000
    away: float = 5.0
    rooms: int = 20
    watchers: int = 600
    particles: int = 2000
    images: int = 64
    samples: int = 256


LIMITS = Limits()

limits: Limits = LIMITS
"""The limits of this server."""

choice: str = "auto"
"""The device as given on the command line: auto, cpu, cuda or cuda:1."""

addresses: tuple[str, ...] = ()
"""Addresses of `/` for other devices, the most likely first; empty if only this machine may connect."""

visitors: int = 1
"""Number of visitors expected at the same moment. A page that allows it is prepared for each of them."""

rooms: "Rooms | None" = None
"""The rooms of the server; None before it is built."""

runs: Path = RUNS
"""The directory of the run folders that the page /runs shows and /draw offers."""


def rooms_file(port: int) -> Path:
    """Return where the server at a port keeps the names and questions of its classes."""
    import pooch  # only here, because it is slow to import

    return Path(pooch.os_cache("labkit")) / f"rooms-{port}.json"


def __getattr__(name: str) -> str:
    if name != "device":
        raise AttributeError(f"settings are runs, visitors, rooms, choice, device and addresses, not {name}")
    return devices.choose(choice)
