"""Bytes as letters, digits, hyphens and underscores, which an address keeps as they are."""

import base64
import binascii
import zlib


def packed(content: bytes) -> str:
    """Return bytes, compressed, as letters."""
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


def unpacked(code: str, size: int, longest: int) -> bytes:
    """Return the bytes of a code from `packed`.

    Args:
        size: the number of bytes. longest: most letters of a code; a longer one is not read.

    Raises:
        ValueError: it is not the code of `size` bytes.
    """
    try:
        if len(code) > longest:
            raise ValueError
        content = zlib.decompressobj()
        found = content.decompress(base64.b64decode(code + "=" * (-len(code) % 4), b"-_", validate=True), size + 1)
        if len(found) != size or not content.eof:
            raise ValueError
    except (ValueError, binascii.Error, zlib.error):
        short = code if len(code) <= 30 else code[:27] + "..."
        raise ValueError(f"must be a code that labkit made, got {short!r}") from None
    return found
