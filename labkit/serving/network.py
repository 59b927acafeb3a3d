"""The place of a server in a network: its names, its path behind a proxy, and which other sites may use it.

An origin is the scheme, host and port of a page, such as https://course.example.org. A browser sends it with the
request for a websocket. `Origin` also holds what a user wrote without a scheme, which then fits every scheme.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from labkit.serving import gate

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The scheme ("" for any), host and port (None for the usual port of the scheme) of a page."""

    scheme: str
    host: str
    port: int | None

    def fits(self, other: "Origin") -> bool:
        """Whether the origin of a page is this one."""
        scheme = self.scheme or other.scheme
        port = self.port or _PORTS.get(scheme)
        return (scheme, self.host, port) == (other.scheme, other.host, other.port or _PORTS.get(other.scheme))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{self.scheme}://" if self.scheme else "") + host + (f":{self.port}" if self.port else "")


@dataclass(frozen=True)
class Network:
    """What the options of a server say about its network.

    Args:
        hosts: additional names that browsers may use for this server.
        origins: other sites whose pages may open websockets here.
        frames: other sites whose pages may show this server's pages in a frame.
        prefix: the path under which all pages are, "" or such as /labkit.
        root: public address of the start page behind a proxy, "" without one. It ends with a slash.
        forwarded: whether a proxy writes the X-Forwarded headers, so they are true.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    frames: tuple[Origin, ...] = ()
    prefix: str = ""
    root: str = ""
    forwarded: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that browsers may name, in addition to those of this machine."""
        return (*self.hosts, *(origin.host for origin in self._public))

    def allows(self, origin: str) -> bool:
        """Return whether a page of this origin may open a websocket, by --allow-origin or --root-url."""
        try:
            page = read_origin("the header Origin", origin)
        except ValueError:  # a browser sends "null" for a page without an origin
            return False
        return any(allowed.fits(page) for allowed in (*self.origins, *self._public))

    @property
    def _public(self) -> list[Origin]:
        address = urlsplit(self.root)
        return [read_origin("--root-url", f"{address.scheme}://{address.netloc}")] if self.root else []


ALONE = Network()
SETTING = "labkit_network"  # the name under which a server's application keeps its network


def read(
    *,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    frames: Iterable[str] = (),
    prefix: str = "",
    root: str = "",
    forwarded: bool = False,
) -> Network:
    """Return the network that a user's options describe.

    Raises:
        ValueError: an option is not valid.
    """
    return Network(
        hosts=tuple(map(gate.checked, hosts)),
        origins=tuple(read_origin("--allow-origin", text) for text in origins),
        frames=tuple(read_origin("--frame-ancestor", text) for text in frames),
        prefix=read_prefix(prefix),
        root=read_root(root) if root else "",
        forwarded=forwarded,
    )


def read_prefix(text: str) -> str:
    """Return a path with a slash at its start and none at its end; "" if all pages are at the root.

    Raises:
        ValueError: the text is not a plain path.
    """
    parts = text.strip("/").split("/") if text.strip("/") else []
    if not all(re.fullmatch(r"[A-Za-z0-9._~@%-]+", part) and set(part) != {"."} for part in parts):
        raise ValueError(f"--prefix takes a path such as /labkit, without host and query, got {text!r}")
    return "".join(f"/{part}" for part in parts)


def read_root(text: str) -> str:
    """Return a public address with a slash at its end.

    Raises:
        ValueError: the text is not an address, or has a query.
    """
    wanted = "--root-url takes the public address of the start page, such as https://course.example.org/labkit/"
    address = urlsplit(text)
    if address.scheme not in _PORTS or address.query or address.fragment or not re.fullmatch(r"[^\s\"'<>?#]+", text):
        raise ValueError(f"{wanted}, without a query, got {text!r}")
    try:
        read_origin("--root-url", f"{address.scheme}://{address.netloc}")
    except ValueError:
        raise ValueError(f"{wanted}, got {text!r}") from None
    return text.rstrip("/") + "/"


def read_origin(option: str, text: str) -> Origin:
    """Return the origin that a text describes: https://course.example.org, or host and port without a scheme.

    Raises:
        ValueError: the text is not an origin. The message names the option.
    """
    found = re.fullmatch(r"(?:(https?)://)?(\[[^\]\s]+\]|[^:/?#@\[\]\s]+)(?::(\d{1,5}))?/?", text.lower())
    try:
        if not found:
            raise ValueError("no origin")
        return Origin(found[1] or "", gate.checked(found[2]), int(found[3]) if found[3] else None)
    except ValueError:
        raise ValueError(
            f"{option} takes an origin such as https://course.example.org or desk:8080, without a path, got {text!r}"
        ) from None
