"""Frames as an MP4 film, made by the program ffmpeg where it is installed; `paint.save_gif` needs no program."""

import shutil
import subprocess
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import numpy as np

from labkit.atomic import beside

PROGRAM = "ffmpeg"
EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2"  # the pixel format that every player knows has half as many colours


def find() -> str:
    """Where ffmpeg is.

    Raises:
        FileNotFoundError: it is not on PATH.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise FileNotFoundError(f"an .mp4 needs the program {PROGRAM}, which is not on PATH; install it, or use --gif")
    return found


def save_mp4(frames: Sequence[np.ndarray], path: Path, *, fps: Real = 20) -> None:
    """Write frames, uint8 (H, W, 3) all of one size, whole or not at all.

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
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["without a word"]
            raise OSError(f"{PROGRAM} failed on {path} ({said[-1]}); use --gif")
