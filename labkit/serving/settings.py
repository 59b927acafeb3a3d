"""What this process was told when it began to serve; `server.serve` writes it, pages read it.

    from labkit.serving import settings
    x0 = torch.randn(200, 2, device=settings.device)    # "cpu", "cuda" or "cuda:1"

`device` is found when it is first asked for, since asking torch for a GPU takes longer than starting the server.
"""

from pathlib import Path

from labkit.serving import devices

choice: str = "auto"
"""The device as asked for on the command line: auto, cpu, cuda or cuda:1."""

addresses: tuple[str, ...] = ()
"""Where a class reaches `/`, the likeliest first; empty while only this machine may come."""

visitors: int = 1
"""How many are expected at once: so many sessions of a page that may be built ahead stand ready."""

runs: Path = Path("runs")
"""The directory whose run folders the page /runs shows and /draw offers."""


def __getattr__(name: str) -> str:
    if name != "device":
        raise AttributeError(f"labkit.serving.settings has runs, visitors, choice, device and addresses, no {name}")
    return devices.choose(choice)
