"""The names and addresses under which a browser reaches this machine."""

import contextlib
import socket

_LOCAL = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("", "*", "0.0.0.0", "::")


def url(host: str, port: int, prefix: str = "") -> str:
    """Return the address of the start page, with an IPv6 host in brackets."""
    return f"http://{bracket(host)}:{port}{prefix}/"


def is_local(address: str) -> bool:
    """Whether only this machine can reach a server that listens at this address."""
    return address in _LOCAL or address.startswith("127.")


def to_bind(address: str) -> str:
    """Return the address to bind. * and :: mean all addresses of both families; for sockets that is ""."""
    return "" if address in ("*", "::") else address


def here(address: str) -> str:
    """Return the host by which this machine itself reaches a server that listens at `address`."""
    if address in _EVERYWHERE:
        return "127.0.0.1"
    return "localhost" if is_local(address) and address != "::1" else address


def outer(address: str) -> list[str]:
    """Return the hosts by which other devices may reach a server at `address`, the most likely first."""
    if is_local(address):
        return []
    if address not in _EVERYWHERE:
        return [address]
    return [*(host for host in network() if ":" not in host or address != "0.0.0.0"), socket.gethostname()]


def hosts(address: str) -> list[str]:
    """Return all hosts that a browser may name for a server that listens at `address`."""
    names = [] if is_local(address) else [socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local"]
    return list(dict.fromkeys([address, *outer(address), *names, *(name.lower() for name in names), *_LOCAL]))


def network() -> list[str]:
    """Return this machine's network addresses: the one of the default route first, IPv4 before IPv6."""
    found = [_outward(socket.AF_INET, "192.0.2.1"), _outward(socket.AF_INET6, "2001:db8::1")]
    with contextlib.suppress(OSError):  # a machine that cannot resolve its own name still has its routes
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    usable = [host for host in dict.fromkeys(found) if host and not is_local(host) and not host.startswith("fe80")]
    return sorted(usable, key=lambda host: ":" in host)


def origins(address: str, port: int) -> set[str]:
    """Return the `host:port` of every page that may open a websocket here."""
    return {f"{bracket(host)}:{port}" for host in hosts(address) if host not in _EVERYWHERE}


def bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _outward(family: socket.AddressFamily, target: str) -> str | None:
    """Return the address from which this machine would reach `target`. The datagram socket sends nothing for this."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
