"""The names and addresses under which a browser reaches this machine."""

import contextlib
import socket

_LOCAL = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("", "*", "0.0.0.0", "::")


def url(host: str, port: int) -> str:
    """The address of `/`; one of IPv6 stands in brackets."""
    return f"http://{bracket(host)}:{port}/"


def is_local(address: str) -> bool:
    """Whether a server that listens there is reached from this machine only."""
    return address in _LOCAL or address.startswith("127.")


def to_bind(address: str) -> str:
    """What the server binds: * and :: stand for all addresses of both families, which sockets call the empty one."""
    return "" if address in ("*", "::") else address


def here(address: str) -> str:
    """The host by which this machine itself reaches a server that listens at `address`."""
    if address in _EVERYWHERE:
        return "127.0.0.1"
    return "localhost" if is_local(address) and address != "::1" else address


def outer(address: str) -> list[str]:
    """The hosts by which a class may reach a server that listens at `address`, the likeliest first."""
    if is_local(address):
        return []
    if address not in _EVERYWHERE:
        return [address]
    return [*(host for host in network() if ":" not in host or address != "0.0.0.0"), socket.gethostname()]


def hosts(address: str) -> list[str]:
    """All hosts that a browser may name for a server that listens at `address`."""
    names = [] if is_local(address) else [socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local"]
    return list(dict.fromkeys([address, *outer(address), *names, *(name.lower() for name in names), *_LOCAL]))


def network() -> list[str]:
    """This machine's addresses in its networks, that of the default route first, IPv4 before IPv6."""
    found = [_outward(socket.AF_INET, "192.0.2.1"), _outward(socket.AF_INET6, "2001:db8::1")]
    with contextlib.suppress(OSError):  # a machine that cannot resolve its own name still has its routes
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    usable = [host for host in dict.fromkeys(found) if host and not is_local(host) and not host.startswith("fe80")]
    return sorted(usable, key=lambda host: ":" in host)


def origins(address: str, port: int) -> set[str]:
    """The `host:port` of every page that may open a websocket here."""
    return {f"{bracket(host)}:{port}" for host in hosts(address) if host not in _EVERYWHERE}


def bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _outward(family: socket.AddressFamily, target: str) -> str | None:
    """The address from which this machine would speak to `target`; a datagram socket sends nothing to find out."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
