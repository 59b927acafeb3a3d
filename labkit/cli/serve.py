"""`labkit serve`: the dashboards, in the browser."""

import errno
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labkit.cli.errors import fail, unknown
from labkit.places import RUNS
from labkit.serving.settings import ADDRESS, CLASS, LIMITS, PORT, Limits

if TYPE_CHECKING:
    from labkit.serving.network import Network

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
    lessons: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder with your own lessons, one TOML file for each; see the guide."),
    ] = None,
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
            help="Visitors expected at the same moment; the pages are prepared for each.",
        ),
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="PATH", help="Path before the path of every page, such as /labkit behind a proxy.")
    ] = "",
    root_url: Annotated[
        str, typer.Option(metavar="URL", help="Public address behind a proxy; it is printed and shown as a QR code.")
    ] = "",
    forwarded: Annotated[
        bool, typer.Option("--forwarded", help="Trust the headers X-Forwarded-For, -Proto and -Host of a proxy.")
    ] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Another site whose pages may connect to this server; may be repeated."),
    ] = None,
    frame_ancestor: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Another site that may show the pages in an iframe; may be repeated."),
    ] = None,
    max_sessions: Annotated[
        int, typer.Option(metavar="N", min=1, help="Open sessions of all visitors, at most.")
    ] = LIMITS.sessions,
    max_sessions_per_address: Annotated[
        int, typer.Option(metavar="N", min=1, help="Open sessions of one network address, at most.")
    ] = LIMITS.per_address,
    max_message_bytes: Annotated[
        int, typer.Option(metavar="N", min=1024, help="Size of one message from a browser, at most.")
    ] = LIMITS.message,
    max_message_parts: Annotated[
        int, typer.Option(metavar="N", min=1, help="Binary parts of one message from a browser, at most.")
    ] = LIMITS.parts,
    max_rooms: Annotated[int, typer.Option(metavar="N", min=1, help="Open classes, at most.")] = LIMITS.rooms,
    max_watchers: Annotated[
        int, typer.Option(metavar="N", min=1, help="Browsers that follow a class, at most.")
    ] = LIMITS.watchers,
    max_particles: Annotated[
        int, typer.Option(metavar="N", min=1, help="Particles that a visitor may choose, at most.")
    ] = LIMITS.particles,
    max_images: Annotated[
        int, typer.Option(metavar="N", min=1, help="Images that a visitor may draw at once, at most.")
    ] = LIMITS.images,
    max_samples: Annotated[
        int, typer.Option(metavar="N", min=1, help="Samples K that a visitor may choose, at most.")
    ] = LIMITS.samples,
    max_steps: Annotated[
        int, typer.Option(metavar="N", min=1, help="Steps that the runs of one session may take, at most.")
    ] = LIMITS.steps,
    away_seconds: Annotated[
        float, typer.Option(metavar="S", min=1.0, help="Seconds that a page computes when no visitor looks at it.")
    ] = LIMITS.away,
    metrics_token: Annotated[
        str, typer.Option(metavar="TOKEN", help="Other machines that send this token may read /metrics.")
    ] = "",
    log_sessions: Annotated[
        bool, typer.Option("--log-sessions", help="Print one line at the end of each session, without an address.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Serve the dashboards and open them in the browser; Ctrl-C stops."""
    from labkit.serving import devices, network, pages

    try:
        routes = {each.name: each.route for each in pages.listing()} | {"guide": "/guide"}
    except FileNotFoundError as error:
        fail(error)
    if page is not None and page.strip("/") not in routes:
        unknown("page", page, routes)
    try:
        if lessons is not None:
            _add_lessons(lessons)
        if device != "auto":
            devices.choose(device)
        place = network.read(
            hosts=allow_host or (),
            origins=allow_origin or (),
            frames=frame_ancestor or (),
            prefix=prefix,
            root=root_url,
            forwarded=forwarded,
        )
        if log_sessions:
            from labkit.serving import logs

            logs.show_sessions()
        _serve(
            routes[page.strip("/")] if page else "/",
            no_browser,
            port=port,
            address=address,
            device=device,
            runs=runs,
            visitors=visitors,
            network=place,
            limits=Limits(
                sessions=max_sessions,
                per_address=max_sessions_per_address,
                message=max_message_bytes,
                parts=max_message_parts,
                steps=max_steps,
                away=away_seconds,
                rooms=max_rooms,
                watchers=max_watchers,
                particles=max_particles,
                images=max_images,
                samples=max_samples,
            ),  # fmt: skip
            metrics_token=metrics_token,
        )
    except ValueError as error:
        fail(error)
    except OSError as error:
        fail(_SAY.get(error.errno, "cannot serve at {address}: {error}").format(**_facts(error, port, address)))
    typer.echo("labkit: stopped")
    _leave()


def _add_lessons(folder: Path) -> None:
    """Add the lessons of a folder, or fail with a line for each of their problems."""
    from labkit.lessons import LessonError, add_folder

    try:
        add_folder(folder)
    except LessonError as error:
        for line in error.lines[:-1]:
            typer.echo(f"labkit: {line}", err=True)
        fail(error.lines[-1])


def _leave() -> None:
    """End the process at once, after all resources have been released.

    Python's normal exit aborts with code 134 while another thread is inside torch: it imports a page or computes a run.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _serve(
    route: str, no_browser: bool, *, address: str, visitors: int | None, network: "Network", **told: Any
) -> None:
    from labkit.serving import addresses, server

    opened: list[str] = []

    def started(bound: int) -> None:
        opened.append(addresses.url(addresses.here(address), bound, network.prefix) + route[1:])
        _announce(opened[0])

    server.serve(
        address=address,
        network=network,
        visitors=visitors or (CLASS if network.root or addresses.outer(address) else 1),
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
    if settings.addresses and settings.rooms is not None:
        console.print(
            Text.assemble("  teacher's key: ", (settings.rooms.key, "bold"), "  (type it under Class on a page)")
        )


def _facts(error: OSError, port: int, address: str) -> dict[str, object]:
    return {"error": error.strerror or error, "port": port, "address": address, "other": port + 1, "usual": PORT}
