"""Points of *Regression* and *Classification*, as pointer and keyboard edit them: choose, move, add and remove one."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.experiments.svgd.classification_data import HALF, LabelledPoints
from labkit.experiments.svgd.regression_data import RegressionPoints
from labkit.views.svgd.classification_pictures import ClassProbabilities
from labkit.views.svgd.regression_pictures import Bands
from labkit.views.things import Place, Thing, Things, Told


class Points(Things):
    """The points of a scene. Its `change(how, done)` edits them.

    A key stays the same when a point is added. So keys count from the end if the newest point comes first.

    Attributes:
        shown: the pictures that mark a point.
        near: how near the pointer must be, as a fraction of the picture's width and height.
        newest: index of the newest point, 0 or -1.
    """

    shown: type
    near: float
    newest: int

    def __init__(self, scene: Any):
        self.scene = scene

    @abstractmethod
    def data(self, state: Any) -> Any:
        """Return the points of a state."""

    @abstractmethod
    def places(self, data: Any) -> np.ndarray:
        """Return the places of points, (n, 2)."""

    @abstractmethod
    def names(self, data: Any) -> list[str]:
        """Return what each point is called."""

    @abstractmethod
    def moved(self, data: Any, i: int, place: Place) -> Any:
        """Return points with point i at another place."""

    @abstractmethod
    def added(self, data: Any, place: Place) -> Any:
        """Return points with one more."""

    def _keys(self, data: Any) -> range:
        """Return the keys of points."""
        n = len(data.x)
        return range(n) if self.newest else range(-n, 0)

    def _index(self, data: Any, key: int) -> int | None:
        """Return the index of a point, None if it was removed in the meantime."""
        keys = self._keys(data)
        return keys.index(key) if key in keys else None

    def _now(self) -> Any:
        """Return the points of the newest frame, None if there is none."""
        state = self.scene.live.run.frame.state
        return None if state is None else self.data(state)

    def listed(self) -> list[Thing]:
        data = self._now()
        if data is None:
            return []
        at, names, keys = self.places(data), self.names(data), self._keys(data)
        return [Thing(keys[i], names[i], tuple(at[i].tolist())) for i in np.argsort(at[:, 0], kind="stable")]

    def nearest(self, x: float, y: float) -> int | None:
        data = self._now()
        i = None if data is None else self.at(self.places(data), x, y, self.near)
        return None if i is None else self._keys(data)[i]

    def move(self, key: Any, to: Callable[[Place], Place], told: Told) -> None:
        def change(data: Any) -> Any:
            i = self._index(data, key)
            return data if i is None else self.moved(data, i, self.within(to(tuple(self.places(data)[i].tolist()))))

        self._change(change, lambda data: self._tell(data, key, told))

    def add(self, place: Place, like: Any, told: Told) -> None:
        self._change(
            lambda data: self.added(data, self.within(place)),
            lambda data: self._tell(data, self._keys(data)[self.newest], told),
        )

    def remove(self, key: Any, done: Callable[[], None]) -> None:
        def change(data: Any) -> Any:
            i = self._index(data, key)
            return data if i is None else data.without(i)

        self._change(change, lambda _: done())

    def _change(self, how: Callable[[Any], Any], tell: Callable[[Any], None]) -> None:
        self.scene.change(how, lambda state: tell(self.data(state)))

    def _tell(self, data: Any, key: int, told: Told) -> None:
        i = self._index(data, key)
        if i is not None:
            told(key, tuple(self.places(data)[i].tolist()))

    def _views(self) -> list[Any]:
        return [view for view in self.scene.live.views if isinstance(view, self.shown)]

    @property
    def chosen(self) -> int | None:
        return next((view.chosen for view in self._views()), None)

    def choose(self, key: Any) -> None:
        for view in self._views():
            view.chosen = key
        self.scene.live.run.redraw()


class CurvePoints(Points):
    """The points of a `RegressionScene`."""

    shown, near, newest = Bands, 0.025, 0

    @property
    def box(self) -> Any:
        """The ranges of the picture, in units of y."""
        return self.scene.settings.box

    def data(self, state: Any) -> RegressionPoints:
        return state.rows

    def places(self, data: RegressionPoints) -> np.ndarray:
        return np.column_stack([data.x.numpy(), data.y.numpy()])

    def names(self, data: RegressionPoints) -> list[str]:
        return ["held-out point" if held else "training point" for held in data.held.tolist()]

    def moved(self, data: RegressionPoints, i: int, place: Place) -> RegressionPoints:
        return data.moved(i, *place)

    def added(self, data: RegressionPoints, place: Place) -> RegressionPoints:
        return data.added(*place)


class ClassPoints(Points):
    """The points of a `ClassificationScene`."""

    shown, near, newest = ClassProbabilities, 0.03, -1
    box = ((-HALF, HALF), (-HALF, HALF))

    def data(self, state: Any) -> LabelledPoints:
        return state.data

    def places(self, data: LabelledPoints) -> np.ndarray:
        return data.x.numpy()

    def names(self, data: LabelledPoints) -> list[str]:
        return [f"point of class {int(y)}" for y in data.y]

    def moved(self, data: LabelledPoints, i: int, place: Place) -> LabelledPoints:
        return data.moved(i, place)

    def added(self, data: LabelledPoints, place: Place) -> LabelledPoints:
        return data.added(place, self.scene.settings.label)
