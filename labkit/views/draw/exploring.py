"""The tab about z: three experiments, of which the reader chooses one."""

from typing import Any

import panel as pn
import param

from labkit.views import fields
from labkit.views.draw.latents import VALUES, Changer, Interpolator, Resampler
from labkit.views.draw.scenes import OfNetwork, classes, printed
from labkit.views.draw.variants import Effects, Marked, Row, differing, lengths, moved, spread


class Resample(OfNetwork):
    """One image, and others that keep the beginning of its z."""

    words = (
        "The framed image has a z for each of its glimpses. The others keep those before glimpse t and draw the rest "
        "anew: so late glimpses only polish what early ones have decided. The curve says how far the images of this "
        "sheet end up apart for every t."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Resampler(model, **params))

    def views(self) -> list:
        config = self.settings.model.config
        return [Marked(config, self.settings.n), spread(), differing(config)]

    def controls(self) -> list:
        s = self.settings
        return [fields.dial(s, "t"), fields.number(s, "n"), fields.number(s, "seed"), *classes(s, {})]


class Change(OfNetwork):
    """One image, and one number of its z in the reader's hand."""

    words = (
        "One number of one z goes from &minus;3 to 3, three standard deviations of its noise to each side, and all "
        "the others stay. Framed: the value nearest to the image's own. The bars say how far a small change of each "
        "number of this z moves the image: those without a bar the network has left idle."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Changer(model, **params))

    def views(self) -> list:
        config = self.settings.model.config
        values = tuple(f"{value:+.0f}".replace("-", "\N{MINUS SIGN}") if value else "0" for value in VALUES.tolist())
        return [Row(config, values), Effects(), moved(config)]

    def controls(self) -> list:
        s = self.settings
        dials = [fields.dial(s, name) for name in ("t", "i") if s.param[name].bounds[1] > 1]
        return [*dials, fields.number(s, "seed"), *classes(s, {})]


class Interpolate(OfNetwork):
    """From one image to another through z."""

    words = (
        "Gaussian noise of many numbers is always about equally long, so all z lie near a sphere. The straight line "
        "from A to B leaves it, to where the network has never been; here every z<sub>t</sub> turns evenly from A's "
        "direction into B's instead, and stays about as long."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Interpolator(model, printed(model.config), **params))

    def views(self) -> list:
        config, n = self.settings.model.config, self.settings.n
        return [Row(config, ("A", *[""] * (n - 2), "B")), lengths(config)]

    def controls(self) -> list:
        s = self.settings
        ends = [fields.choice(s, "a"), fields.choice(s, "b")]
        return [*ends, fields.number(s, "n"), fields.number(s, "seed"), *classes(s, {})]


EXPERIMENTS = {
    "Resample from glimpse t on": Resample,
    "Change one latent": Change,
    "Interpolate between two images": Interpolate,
}


class Latents(pn.viewable.Viewer):
    """The experiment that is chosen, with its controls; each is made when it is first chosen."""

    network = ""
    experiment = param.Selector(objects=list(EXPERIMENTS), label="What to do", doc="the experiment with the latents z")

    def __init__(self, model: Any, **params):
        super().__init__(**params)
        self.model, self.made = model, {}
        self.room, self.side = (pn.Column(margin=0, sizing_mode="stretch_width") for _ in range(2))
        self.param.watch(self.opened, "experiment")
        self.opened()

    def opened(self, *_events) -> None:
        """Put up the experiment of now."""
        name = self.experiment
        if name not in self.made:
            self.made[name] = EXPERIMENTS[name](self.model)
        self.room.objects, self.side.objects = [self.made[name]], self.made[name].controls()

    def controls(self) -> list:
        return [fields.choice(self, "experiment"), self.side]

    def __panel__(self) -> pn.viewable.Viewable:
        return self.room
