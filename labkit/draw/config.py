"""`Config` holds the sizes of a DRAW network; a table holds those of the paper and of three public programs."""

from dataclasses import dataclass

from labkit.draw import attention

CANVASES = ("zero", "learned", "data")


@dataclass(frozen=True)
class Config:
    """The sizes of a network.

    Args:
        channels: numbers per pixel: 1 is grey, 3 is colour.
        height, width: size of the images in pixels.
        steps: T, the number of glimpses; each paints once.
        hidden: units of the encoder's LSTM (a network with a memory), and of the decoder's.
        latent: length of the vector z of each glimpse.
        read, write: points along each axis of the window; at each, one blurred spot of the image is read or painted.
            None uses the whole image instead of a window.
        classes: number of labels that select what to paint, 0 .. classes - 1; 0 for a network without labels.
        canvas: the first canvas: "zero" (grey), "learned", or "data": the average training image.

    Raises:
        ValueError: a size is below 1, a window is larger than the image, or the canvas is unknown.
    """

    channels: int = 1
    height: int = 28
    width: int = 28
    steps: int = 10
    hidden: int = 256
    latent: int = 10
    read: int | None = 5
    write: int | None = 5
    classes: int = 0
    canvas: str = "zero"

    def __post_init__(self) -> None:
        for name in ("channels", "height", "width", "steps", "hidden", "latent"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")
        for name in ("read", "write"):
            if (n := getattr(self, name)) is not None:
                try:
                    attention.check_size(n, self.height, self.width)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}; use None to attend to the whole image") from None
        if not isinstance(self.classes, int) or isinstance(self.classes, bool) or self.classes < 0:
            raise ValueError(f"classes must be a whole number >= 0, got {self.classes!r}; 0 means no labels")
        if self.canvas not in CANVASES:
            raise ValueError(f"canvas must be one of {', '.join(CANVASES)}, got {self.canvas!r}")

    @property
    def pixels(self) -> int:
        """The number of values in an image, channels x height x width."""
        return self.channels * self.height * self.width


PRESETS = {
    "ericjang": Config(),
    "ericjang-full": Config(read=None, write=None),
    "mnist": Config(steps=64, latent=100, read=2),  # the paper's network, and that of jbornschein and hrbigelow
    "mnist-full": Config(steps=64, latent=100, read=None, write=None),
    "mnist-10": Config(steps=10, latent=100, read=2),  # jbornschein's short network
    "svhn": Config(channels=3, height=32, width=32, steps=32, hidden=800, latent=100, read=12, write=12),
    "svhn-512": Config(channels=3, height=32, width=32, steps=32, hidden=512, latent=100),  # jbornschein's
    "cifar10": Config(channels=3, height=32, width=32, steps=64, hidden=400, latent=200),
    "two-digits": Config(height=60, width=60, steps=32, latent=50),
    "small": Config(steps=10, hidden=128, latent=16),
    "small-full": Config(steps=10, hidden=128, latent=16, read=None, write=None),
    "small-labels": Config(steps=10, hidden=128, latent=16, classes=10),
    "digits": Config(height=8, width=8, steps=6, hidden=64, latent=8, canvas="learned"),
}

# Training settings of presets that need their own. With the usual 20 epochs of 14 steps, the latents of the digits
# carry no information. With these they carry 5 to 6 nats, for each of several seeds, in about a minute.
TRAINING = {"digits": {"steps": 2000, "lr": 1e-2, "warmup": 1000, "eval_every": 10}}


def preset(name: str) -> Config:
    """Return a network's sizes from the table.

    Raises:
        ValueError: the name is unknown; the message lists the names.
    """
    if name not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]
