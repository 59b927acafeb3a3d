"""A variational autoencoder of a few dozen weights on 4x4 images, which the tests of the loop train."""

import math

import torch
from torch import nn

from labkit.training import Settings

PIXELS = 16
SETTINGS = Settings(
    epochs=6, batch_size=8, lr=1e-2, warmup=20, log_every=3, seed=3, devices="cpu", checkpoint_seconds=0.0
)


class Net(nn.Module):
    def __init__(self, hidden: int = 3):
        super().__init__()
        self.encode, self.decode = nn.Linear(PIXELS, 2 * hidden), nn.Linear(hidden, PIXELS)


class Task:
    """Losses of a tiny VAE; `breaks` is the fraction of steps with an infinite loss, `noise` scales its sampling."""

    kind = "toy"

    def __init__(self, hidden: int = 3, breaks: float = 0.0, noise: float = 1.0):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.module = Net(hidden)
        self.config, self.facts = {"hidden": hidden}, {"data": "toy", "binarisation": "stochastic"}
        self.breaks, self.noise = breaks, noise

    def batch(self, data, index, generator):
        x = data[0][index].flatten(1).to(self.module.encode.weight.dtype) / 255
        return torch.bernoulli(x, generator=generator) if self.noise else x

    def parts(self, module, x, generator):
        mu, s = module.encode(x).chunk(2, 1)
        z = mu + self.noise * s.exp() * torch.randn(mu.shape, generator=generator, device=x.device, dtype=x.dtype)
        lx = nn.functional.binary_cross_entropy_with_logits(module.decode(z), x, reduction="none").sum(1)
        return lx, 0.5 * (mu**2 + (2 * s).exp() - 1 - 2 * s).sum(1)

    def loss(self, module, batch, generator, beta):
        lx, lz = (each.mean() for each in self.parts(module, batch, generator))
        loss = lx + beta * lz
        if self.breaks:
            fate = torch.rand((), generator=generator, device=loss.device)
            loss = loss / (fate > self.breaks)
        return {"loss": loss, "bound": lx + lz, "lx": lx, "lz": lz}

    def evaluate(self, module, batches, generator):
        parts = [self.parts(module, batch, generator) for batch in batches]
        lx, lz = (float(torch.cat(each).mean()) for each in zip(*parts, strict=True))
        return {"bound": lx + lz, "lx": lx, "lz": lz, "kl": [lz / 4, 3 * lz / 4]}

    def sheet(self, module, generator):
        with torch.no_grad():
            weight = module.decode.weight
            z = torch.randn(4, weight.shape[1], generator=generator, device=weight.device, dtype=weight.dtype)
            images = module.decode(z).sigmoid()
        return (255 * images).to(torch.uint8).view(16, 4).cpu().numpy()


def images(n: int = 64, seed: int = 0) -> tuple[torch.Tensor]:
    """Bars, light or dark: images with a structure to learn."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 2, (n, 1, 4, 1), generator=generator).expand(n, 1, 4, 4)
    return ((220 * rows + 15).to(torch.uint8).contiguous(),)


def steps(settings: Settings, n: int = 64) -> int:
    return settings.steps or settings.epochs * math.floor(n / settings.batch_size)
