"""Reads the address of a page for Panel, whose own readers fail on IPv6, a second question mark and long numbers.

Panel splits the host at every colon and the path at every question mark, and makes whole numbers of any digits, of
which Python refuses more than 4,300: each such page ended in HTTP 500 before its code ran. `install` puts `parts` and
`asked` in the place of those functions; only this module knows them.
"""

from tornado.httputil import split_host_and_port

from labkit.private.panel import read_addresses
from labkit.views.address import asked


def parts(protocol: str | None, host: str | None, uri: str | None) -> dict[str, str]:
    """Return the parts of an address that are there, by the names of Panel's Location.

    Args:
        protocol: http or https.
        host: name and port as in the Host header; an IPv6 address stands in brackets.
        uri: path, query and fragment.
    """
    path, mark, fragment = (uri or "").partition("#")
    path, question, query = path.partition("?")
    name, port = split_host_and_port(host) if host else ("", None)
    found = {
        "protocol": f"{protocol}:" if protocol else "",
        "hostname": name,
        "port": "" if port is None else str(port),
        "pathname": path,
        "search": question + query if query else "",
        "hash": mark + fragment if fragment else "",
    }
    href = found["protocol"] + (f"//{host}" if host else "") + (uri or "")
    return {key: value for key, value in found.items() if value} | {"href": href}


def install() -> None:
    """Have Panel read addresses by `parts` and `asked`."""
    read_addresses(parts, asked)
