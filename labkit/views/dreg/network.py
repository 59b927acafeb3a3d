"""The tab *Network*: the noise of a trained VAE's gradient against K, and the images for it."""

import base64
import html
import io

import holoviews as hv
import panel as pn
import torch
from PIL import Image

from labkit.experiments.devices import kept
from labkit.experiments.dreg.network import IMAGES, SLOPES_FROM, GradientNoise, NetworkSettings, reconstructed
from labkit.views import fields, sheets
from labkit.views.dreg.scaling import Scaling
from labkit.views.scenes import Scene


class NetworkScaling(Scaling):
    """Measured lines with names and slopes, without exact curves."""

    def picture(self, state: GradientNoise) -> hv.Overlay:
        picture = super().picture(state)
        return picture.opts(xlabel="samples K")


class NetworkScene(Scene):
    """Estimators on a trained VAE."""

    speed, saves, looks = 30, ("png", "curves"), ("quantity",)
    words = (
        "The comparison of the tab <i>Variance against samples</i>, on a trained VAE (variational autoencoder). For "
        "an image x its encoder returns mu and sigma, and q(z | x) is normal with this mean and standard deviation. "
        "Each estimator estimates the gradient of the bound L with respect to mu and sigma, for the images below. "
        "Each step adds replicates: repetitions with 64 new samples. The value at K uses the first K of the 64. The "
        f"number after each name is the slope of its line for K &ge; {SLOPES_FROM}. The slopes of the first tab, "
        "&minus;1 for IWAE and &minus;3 for DReG, need a large K and a q near the posterior, so here they differ. "
        "Here the gradient, too, may shrink faster or more slowly than 1/K. So choose the quantity SNR to see whether "
        "the noise shrinks faster than the gradient. RWS-DReG estimates the gradient of another goal: do not compare "
        "the height of its line. It is 0 at K = 1, so its line starts at K = 2."
    )

    def __init__(self, settings: NetworkSettings | None = None, **params):
        super().__init__(settings or NetworkSettings(), **params)

    def views(self) -> list:
        return [NetworkScaling(self.settings)]

    def status(self, state: GradientNoise) -> str:
        return f"{state.total.n:,} replicates"

    def remarks(self) -> str:
        try:
            subject = self.settings.subject()
        except (ValueError, OSError):  # the player shows the reason
            return ""
        mean = reconstructed(subject)
        strip = sheets.sheet(kept(torch.cat([subject.images, mean])), IMAGES, scale=max(1, 56 // mean.shape[-1]))
        file = io.BytesIO()
        Image.fromarray(strip).save(file, format="png")
        source = base64.b64encode(file.getvalue()).decode()
        return (
            f"First row: {html.escape(subject.words)}. Second row: the network's reconstructions from the mean of "
            "q.<br>"
            f'<img alt="images and their reconstructions" style="max-width: 100%" src="data:image/png;base64,{source}">'
        )

    def controls(self) -> list:
        s = self.settings
        names = pn.widgets.CheckBoxGroup.from_param(s.param.estimators, margin=(0, 12))
        heading = pn.pane.HTML("Estimators", margin=(4, 10, 0, 10))
        return [fields.choice(s, "network"), fields.choice(s, "quantity"), fields.number(s, "seed"), heading, names]
