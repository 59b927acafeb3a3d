"""Reads the address of a page for Panel.

Panel's own functions split the host at every colon and the path at every question mark. So they fail on IPv6 and on a
second question mark. They also turn any digits into a whole number, and Python refuses more than 4,300 digits. Each
such page ended in HTTP 500 before its code ran. `install` replaces those functions by `parts` and `asked`.
"""

from tornado.httputil import split_host_and_port

from labkit.private.panel import read_addresses
from labkit.views.address import asked


def parts(protocol: str | None, host: str | None, uri: str | None) -> dict[str, str]:
    """Return the parts that an address has, under the names of Panel's Location.

    Args:
        protocol: http or https.
        host: name and port as in the Host header, an IPv6 address in brackets.
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
    """Make Panel read addresses by `parts` and `asked`."""
    read_addresses(parts, asked)
