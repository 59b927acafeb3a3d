"""QR codes of addresses, dark on light also on a dark page, as scanners expect."""

import io
from functools import lru_cache

import segno

LONGEST = 2000  # characters of an address: cameras can rarely read the code of a longer one


@lru_cache(maxsize=64)
def svg(address: str) -> str:
    """Return the QR code of an address as an SVG element; "" if the address is too long for a QR code."""
    if len(address) > LONGEST:
        return ""
    picture, look = io.BytesIO(), {"border": 3, "light": "white", "omitsize": True, "xmldecl": False, "nl": False}
    segno.make(address, error="m").save(picture, kind="svg", title=f"QR code of {address}", **look)
    return picture.getvalue().decode()
