"""`labkit serve`: the dashboards, in the browser."""

import errno
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import fail, unknown
from labkit.places import RUNS
from labkit.serving.settings import ADDRESS, CLASS, PORT

_SAY = {
    errno.EADDRINUSE: "port {port} is in use, perhaps by another labkit serve: stop that one, or choose --port {other}",
    errno.EACCES: "you may not use port {port}: choose --port {usual} or another above 1023",
    errno.EADDRNOTAVAIL: "{address} is not an address of this machine: use --address 0.0.0.0 for all its addresses",
}


def command(
    page: Annotated[str | None, typer.Argument(help="The page to open, for example svgd.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")] = PORT,
    address: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 gives a class access.")] = ADDRESS,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the runs that /runs and /draw show.")] = RUNS,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name that browsers may use for this server; may be repeated."),
    ] = None,
    visitors: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            show_default=f"1; {CLASS} if other machines have access",
            help="Number of visitors expected at the same moment; a page is prepared for each.",
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Serve the dashboards and open them in the browser; Ctrl-C stops."""
    from labkit.serving import devices, gate, pages

    try:
        routes = {each.name: each.route for each in pages.listing()} | {"guide": "/guide"}
    except FileNotFoundError as error:
        fail(error)
    if page is not None and page.strip("/") not in routes:
        unknown("page", page, routes)
    try:
        if device != "auto":
            devices.choose(device)
        allowed = [gate.checked(name) for name in allow_host or ()]
        route = routes[page.strip("/")] if page else "/"
        _serve(
            route, no_browser, port=port, address=address, device=device, runs=runs, visitors=visitors, allowed=allowed
        )
    except ValueError as error:
        fail(error)
    except OSError as error:
        fail(_SAY.get(error.errno, "cannot serve at {address}: {error}").format(**_facts(error, port, address)))
    typer.echo("labkit: stopped")
    _leave()


def _leave() -> None:
    """End the process at once, after all resources have been released.

    Python's normal exit aborts with code 134 while another thread is inside torch: it imports a page or computes a run.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _serve(route: str, no_browser: bool, *, address: str, visitors: int | None, **told: Any) -> None:
    from labkit.serving import addresses, server

    opened: list[str] = []

    def started(bound: int) -> None:
        opened.append(addresses.url(addresses.here(address), bound) + route[1:])
        _announce(opened[0])

    server.serve(
        address=address,
        visitors=visitors or (CLASS if addresses.outer(address) else 1),
        started=started,
        warmed=lambda: no_browser or webbrowser.open(opened[0]),
        **told,
    )


def _announce(url: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from labkit.serving import settings

    console = Console(soft_wrap=True, highlight=False)
    console.print(Text.assemble(("labkit", "bold"), " serves ", (url, f"link {url}"), "  (Ctrl-C stops)"))
    for other in settings.addresses:
        console.print(Text.assemble("  for the class: ", (other, f"link {other}")))


def _facts(error: OSError, port: int, address: str) -> dict[str, object]:
    return {"error": error.strerror or error, "port": port, "address": address, "other": port + 1, "usual": PORT}
