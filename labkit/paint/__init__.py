"""Pictures without a browser: what a view declares, drawn by Pillow, for downloads and the command line.

    Painter(picture).frame(columns)      many frames: what stands still is drawn once
    paint(picture, columns)              one
    save_png(image, path), save_gif(frames, path)

The inside of the axes is drawn `FINE` times larger and averaged down; text is written at the final size.
"""

from typing import TYPE_CHECKING, Any

from labkit.paint.files import save_gif, save_png

if TYPE_CHECKING:
    from labkit.paint.painter import Painter, paint

__all__ = ["Painter", "paint", "save_gif", "save_png"]


def __getattr__(name: str) -> Any:
    """The painter, found when it is asked for: files of pixels alone are written without HoloViews."""
    if name in ("Painter", "paint"):
        from labkit.paint import painter

        return getattr(painter, name)
    raise AttributeError(f"module 'labkit.paint' has no attribute {name!r}")
