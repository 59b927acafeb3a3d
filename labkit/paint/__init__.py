"""Draws the pictures of views without a browser, by Pillow, for downloads and the command line.

    Painter(picture).frame(columns)      many frames; the parts that do not change are drawn once
    paint(picture, columns)              one frame
    save_png(image, path), save_gif(frames, path)

The area inside the axes is drawn several times larger and then averaged. Text is written at the final size.
"""

from typing import TYPE_CHECKING, Any

from labkit.paint.files import save_gif, save_png

if TYPE_CHECKING:
    from labkit.paint.painter import Painter, paint

__all__ = ["Painter", "paint", "save_gif", "save_png"]


def __getattr__(name: str) -> Any:
    """Import the painter at its first use, so that files of pixels can be written without HoloViews."""
    if name in ("Painter", "paint"):
        from labkit.paint import painter

        return getattr(painter, name)
    raise AttributeError(f"module 'labkit.paint' has no attribute {name!r}")
