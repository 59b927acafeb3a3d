"""Labelled points in the plane: generated sets, and the changes that a user can make."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from labkit.data import points

HALF = 3.0  # the picture is [-HALF, HALF] in both coordinates
FULL = 0.8  # part of the picture that given points fill
MANY, MOST = 120, 400  # number of points in a generated set, and maximum in any set


@dataclass(frozen=True, eq=False)
class LabelledPoints:
    """Points of two classes, the newest last.

    A point is held out of training if its `turn` is below the held-out share. `turn` stays with its point, so other
    points do not change sides when a point is added, moved or removed. A point added by the user has turn 1 and is
    always used for training.
    """

    x: Float[Tensor, "n 2"]
    y: Bool[Tensor, " n"]
    turn: Float[Tensor, " n"]

    def held(self, share: float) -> Bool[Tensor, " n"]:
        """Return which points are held out."""
        return self.turn < share

    def added(self, place: tuple[float, float], y: bool) -> "LabelledPoints":
        """Return the points with one more.

        Raises:
            ValueError: the maximum number of points is reached.
        """
        if len(self.x) >= MOST:
            raise ValueError(f"at most {MOST} points are allowed; remove one before you add another")
        one = within(place)[None], torch.tensor([y]), torch.ones(1, dtype=torch.float64)
        return LabelledPoints(*(torch.cat(pair) for pair in zip((self.x, self.y, self.turn), one, strict=True)))

    def moved(self, i: int, place: tuple[float, float]) -> "LabelledPoints":
        """Return the points with point i at another place."""
        x = self.x.clone()
        x[i] = within(place)
        return replace(self, x=x)

    def fewer(self) -> "LabelledPoints":
        """Return all points except the newest."""
        return self.without(len(self.x) - 1)

    def without(self, i: int) -> "LabelledPoints":
        """Return all points except point i."""
        stays = torch.arange(len(self.x)) != i
        return LabelledPoints(self.x[stays], self.y[stays], self.turn[stays])


def given(name: str, content: bytes, seed: int) -> tuple[LabelledPoints, str]:
    """Return the points in a CSV file with two features and a label, and a sentence about them.

    Each feature is shifted and scaled, so that its values fill the picture.

    Args:
        seed: of the order in which points are held out.

    Raises:
        ValueError: the file cannot be read, or there are not two classes.
    """
    rows = points.from_text(name, content, 3, "two features and a label")
    labels = sorted({row[2] for row in rows})
    if len(labels) != 2:
        found = ", ".join(labels[:5]) or "none"
        raise ValueError(
            f"the third column of {name} must have two labels, got {len(labels)} ({found}); leave others out"
        )
    pairs = [[points.number(name, i, j, row[j - 1]) for j in (1, 2)] for i, row in enumerate(rows, 1)]
    x = torch.tensor(pairs, dtype=torch.float64)
    low, high = x.amin(0), x.amax(0)
    if bool((high - low <= 1e-9 * x.abs().amax(0)).any()):
        raise ValueError(f"a feature of {name} has the same value in every row; choose another feature")
    fitted = (2 * (x - low) / (high - low) - 1) * FULL * HALF
    y = torch.tensor([row[2] == labels[1] for row in rows])
    turn = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).double() / len(x)
    words = (
        f"{name}: {len(x)} points; class 0 is {labels[0]} ({int((~y).sum())}), "
        f"class 1 is {labels[1]} ({int(y.sum())}). Both features were scaled to fill the picture. "
        "A link does not keep the points."
    )
    return LabelledPoints(fitted, y, turn), words


def within(place: tuple[float, float]) -> Float[Tensor, "2"]:
    """Return the place, or the nearest place in the picture."""
    return torch.tensor(place, dtype=torch.float64).clamp(-HALF, HALF)


def blobs(y: Bool[Tensor, " n"], generator: Generator) -> Float[Tensor, "n 2"]:
    """Return two round clouds, each four standard deviations from the line between them."""
    centre = torch.tensor([1.3, 0.9], dtype=torch.float64)
    return _sign(y)[:, None] * centre + 0.4 * _normal(len(y), generator)


def moons(y: Bool[Tensor, " n"], generator: Generator) -> Float[Tensor, "n 2"]:
    """Return two half circles, each with one end inside the other. Class 0 is the upper one."""
    angle = torch.pi * _uniform(len(y), generator)
    arc = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    return -1.5 * _sign(y)[:, None] * arc + 0.15 * _normal(len(y), generator)


def rings(y: Bool[Tensor, " n"], generator: Generator) -> Float[Tensor, "n 2"]:
    """Return a disc of class 0 in a ring of class 1."""
    angle = 2 * torch.pi * _uniform(len(y), generator)
    u = _uniform(len(y), generator)
    radius = torch.where(y, 1.8 + 0.7 * u, u.sqrt())
    return radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)


def checkerboard(y: Bool[Tensor, " n"], generator: Generator) -> Float[Tensor, "n 2"]:
    """Return four squares. In class 1, both coordinates have the same sign."""
    across, up = (0.15 + 2.5 * _uniform(len(y), generator) for _ in range(2))
    side = _sign(_uniform(len(y), generator) < 0.5)
    return torch.stack([side * across, side * _sign(y) * up], 1)


SETS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "two blobs": blobs,
    "two moons": moons,
    "rings": rings,
    "a checkerboard": checkerboard,
}
BARE = "two points"


def drawn(name: str, seed: int) -> LabelledPoints:
    """Return a set by name: one of `SETS`, with equally many points per class, or `BARE`, two points to start from."""
    if name == BARE:
        x = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
        return LabelledPoints(x, torch.tensor([False, True]), torch.ones(2, dtype=torch.float64))
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(MANY) % 2 == 1
    x = SETS[name](y, generator).clamp(-HALF, HALF)
    return LabelledPoints(x, y, torch.randperm(MANY, generator=generator).double() / MANY)


def _sign(y: Tensor) -> Tensor:
    return 2 * y.double() - 1


def _normal(n: int, generator: Generator) -> Tensor:
    return torch.randn(n, 2, generator=generator, dtype=torch.float64)


def _uniform(n: int, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator, dtype=torch.float64)
