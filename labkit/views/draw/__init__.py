"""Pictures of DRAW: sheets that are drawn stroke by stroke, what is seen and written, and what it costs."""

from labkit.views.draw.courses import Course, Divergence, pen, stopped
from labkit.views.draw.drawing import Drawing, Generator, Reader
from labkit.views.draw.exploring import Latents
from labkit.views.draw.learn import Learn
from labkit.views.draw.learning import Learner
from labkit.views.draw.pad import Pad
from labkit.views.draw.reading import Looking
from labkit.views.draw.scenes import Generate, Lab, Read, printed
from labkit.views.draw.sheet import Film, Sheet

__all__ = [
    "Course", "Divergence", "Drawing", "Film", "Generate", "Generator", "Lab", "Latents", "Learn", "Learner", "Looking",
    "Pad", "Read", "Reader", "Sheet", "pen", "printed", "stopped",
]  # fmt: skip
