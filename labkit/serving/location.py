"""Reads the address of a page for Panel, whose own reader fails on IPv6 and on a second question mark.

Panel splits the host at every colon and the path at every question mark, so each such page ended in HTTP 500 before
its code ran. `install` puts `parts` in the place of that private function; only this module knows it.
"""

from panel.io import location
from tornado.httputil import split_host_and_port


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
    """Have Panel read addresses by `parts`; a Panel that has no such function any more ignores it."""
    location._get_location_params = parts
