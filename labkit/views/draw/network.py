"""What the scenes of DRAW's page share: a network, and buttons for its classes."""

from typing import Any

import panel as pn

from labkit.draw import DRAW
from labkit.past import RecentPast
from labkit.views.scenes import Scene

STROKES = 8, 30  # fewest and most steps per second at first
SECONDS = 5.5  # that an image of many strokes takes
NETWORKS = (
    "A trained network: one that comes with labkit, or one that you trained (page Runs). Draw-paper: 64 glimpses with "
    "windows, MNIST digits, as in the paper. Draw-small: 10 glimpses, so each one paints more. Draw-small-full: the "
    "same without windows. Draw-small-labels: draws the digit that you choose. Draw-digits: 8 × 8 digits, trained only "
    "briefly."
)


class DRAWScene(Scene):
    """A scene of a network, with few steps per second, so that each one is visible.

    Args:
        settings: settings of the tab; or a network, which is shown with the settings in `params`.

    Attributes:
        kind: the class of the settings.
        network: the shipped network that the scene always shows; "" if the visitor chooses one.
    """

    kind: type
    network = ""

    def __init__(self, settings: Any, **params: Any):
        if isinstance(settings, DRAW):
            settings, params = self.kind(settings, **params), {}
        super().__init__(settings, **params)

    @property
    def speed(self) -> int:  # type: ignore[override]
        """Strokes per second at first; more for a network of many strokes."""
        fewest, most = STROKES
        return round(min(max(self.settings.model.config.steps / SECONDS, fewest), most))

    def tips(self) -> dict[str, str]:
        return super().tips() | {"Network": NETWORKS}


class GlimpseScene(DRAWScene):
    """A scene of images that appear glimpse by glimpse."""

    def status(self, state: Any) -> str:
        return f"glimpse {state.shown} of {state.steps}"


class StrokeScene(GlimpseScene):
    """A scene of images that appear stroke by stroke. Its run forgets old images, and keeps every stroke of the new."""

    past = RecentPast

    @property
    def ahead(self) -> int:
        """Strokes of an image."""
        return self.settings.model.config.steps


def class_buttons(settings: Any, more: dict[str, int]) -> list:
    """Return a button for every class of the network, and more; an empty list for a network without classes."""
    known = settings.model.config.classes
    if not known:
        return []
    buttons = pn.FlexBox(margin=(4, 4))
    for name, value in (more | {str(k): k for k in range(known)}).items():
        button = pn.widgets.Button(label=name, description=f"Draw class {name}", width=38, margin=3)
        button.on_click(lambda _, value=value: settings.param.update(label=value))
        buttons.append(button)
    return [pn.pane.HTML("Class given to the network", margin=(4, 10, 0, 10)), buttons]
