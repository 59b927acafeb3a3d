"""Writes frames as an MP4 film by the program ffmpeg, if it is installed. `paint.save_gif` needs no program."""

import shutil
import subprocess
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import numpy as np

from labkit.atomic import beside

PROGRAM = "ffmpeg"
EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2"  # the most common pixel format needs even sizes


def find() -> str:
    """Return the path of ffmpeg.

    Raises:
        FileNotFoundError: ffmpeg is not on PATH.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise FileNotFoundError(f"an .mp4 needs the program {PROGRAM}, which is not on PATH; install it, or use --gif")
    return found


def save_mp4(frames: Sequence[np.ndarray], path: Path, *, fps: Real = 20) -> None:
    """Write frames, uint8 (H, W, 3) of one size, completely or not at all.

    Raises:
        FileNotFoundError: ffmpeg is not on PATH.
        OSError: ffmpeg failed; the message has its last line.
    """
    high, wide, _ = frames[0].shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{wide}x{high}", "-r", str(fps), "-i", "-"]
    film = ["-an", "-vf", EVEN, "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4"]
    command = [find(), "-hide_banner", "-loglevel", "error", "-y", *raw, *film]
    pixels = b"".join(frame.tobytes() for frame in frames)
    with beside(path) as part:
        done = subprocess.run([*command, str(part)], input=pixels, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            raise OSError(f"{PROGRAM} failed on {path} ({said[-1]}); use --gif")
