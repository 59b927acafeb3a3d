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
    guide = "dreg-tabs#network"
    words = (
        "The comparison of the first tab, for a trained network and the images below. Each step computes the gradient "
        "a few times, each time with 64 new samples; the value at K uses the first K of them. The number after each "
        f"name is the slope of its line for K &ge; {SLOPES_FROM}. It differs from that in the first tab, because the "
        "encoder's q is farther from the posterior. <b>Try:</b> choose the quantity SNR, the size of the mean "
        "gradient divided by its noise. For vae-mnist it falls by half from K = 1 to 64 for IWAE, and less for DReG. "
        "RWS-DReG follows another goal, and its results are 0 at K = 1: do not compare its line."
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
