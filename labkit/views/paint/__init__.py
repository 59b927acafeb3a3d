"""Pictures without a browser: what a view declares, drawn by Pillow, for downloads and the command line.

    Painter(picture).frame(columns)      many frames: what stands still is drawn once
    paint(picture, columns)              one
    save_png(image, path), save_gif(frames, path)

The inside of the axes is drawn `FINE` times larger and averaged down; text is written at the final size.
"""

from labkit.views.paint.files import save_gif, save_png
from labkit.views.paint.painter import Painter, paint

__all__ = ["Painter", "paint", "save_gif", "save_png"]
