"""What every settings class declares: the parameters that a link may set, and the run that uses them."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import param

from labkit.engine_batches import Steps
from labkit.experiments import titles as named

S = TypeVar("S")  # a state


class Linkable(param.Parameterized):
    """Parameters that a link may set."""

    if TYPE_CHECKING:  # param's own method has no types

        def __init__(self, **params: Any) -> None: ...

    ceilings: "dict[str, tuple[int, str]]" = {}  # parameter -> the most that a server allows, and its option

    def limit(self, name: str, most: int, option: str) -> None:
        """Allow at most this value of a whole number from now on.

        Args:
            option: the option of the server that sets this limit, for the message.
        """
        parameter = self.param[name]
        low, high = parameter.bounds
        most = max(most, low)
        if high is None or most < high:
            soft_low, soft_high = parameter.get_soft_bounds()
            if getattr(self, name) > most:
                setattr(self, name, most)
            parameter.bounds = low, most
            parameter.softbounds = soft_low, most if soft_high is None else min(soft_high, most)
            self.ceilings = {**self.ceilings, name: (most, option)}

    def refuses(self, name: str, value: Any, asked: dict[str, Any]) -> str:
        """Return why a link may not set this parameter to this value, "" if it may.

        The controls of a page do not call this. `softbounds`, `bounds` and `objects` of the parameter always apply.

        Args:
            asked: all parameters that the link sets here, by name.
        """
        return ""


# A type checker cannot infer the values of a `param.Selector`: it is annotated, in quotes because the classes of older
# versions of param take no [type] at run time.
if TYPE_CHECKING:
    _Selector = param.Selector[str]
else:
    _Selector = param.Selector


def reading(
    registries: tuple[Iterable[str], ...], without: str, titles: Mapping[str, str]
) -> Callable[[], dict[str, str]]:
    """Return a function that returns title -> name for the current names in registries, each name once."""

    def now() -> dict[str, str]:
        names = dict.fromkeys(chain.from_iterable(registries))
        return named.offered((name for name in names if name != without), titles)

    return now


def title_of(owner: param.Parameterized, name: str) -> str:
    """Return what a page calls the value of a setting."""
    parameter, value = owner.param[name], getattr(owner, name)
    titles = getattr(parameter, "names", None) or {}
    return next((title for title, each in titles.items() if each == value), str(value))


class RegistrySelector(_Selector):
    """A choice of one name from registries, which may get more entries later.

    A new settings object reads the names again.

    Args:
        registries: dictionaries by name, or tuples of names.
        without: a name that is not offered.
        titles: name -> what a page calls it; others are called by their name.
    """

    __slots__ = ["names_now"]

    def __init__(self, *registries: Iterable[str], without: str = "", titles: Mapping[str, str] = {}, **rest: Any):
        names_now = reading(registries, without, titles)
        super().__init__(objects=names_now(), **rest)
        self.names_now = names_now


class RegistryListSelector(param.ListSelector):
    """A choice of several names from registries, like `RegistrySelector`."""

    __slots__ = ["names_now"]

    def __init__(self, *registries: Iterable[str], without: str = "", titles: Mapping[str, str] = {}, **rest: Any):
        names_now = reading(registries, without, titles)
        super().__init__(objects=names_now(), **rest)
        self.names_now = names_now


class ExperimentSettings(Linkable, Generic[S]):
    """What a tab runs. A subclass has the parameters and defines `start` and `step`, which read them at each call.

    `bounds` of a parameter limit what a script or a command line may set. `softbounds` limit sliders and links, so that
    a link cannot start a run that takes forever. Without `softbounds`, `bounds` limit all of them. S is the class of
    the states.
    """

    def __init__(self, **params: Any) -> None:
        for parameter in type(self).param.objects().values():
            if isinstance(parameter, RegistrySelector | RegistryListSelector):
                parameter.objects = parameter.names_now()
        super().__init__(**params)

    @property
    def steps(self) -> Steps | None:
        """How runs of these settings can be stepped with others; None if each steps alone."""
        return None

    @property
    def owners(self) -> tuple[Linkable, ...]:
        """All objects with parameters of these settings, for links and tooltips: this one and its parts."""
        return (self,)

    def start(self) -> S:
        """Return the first state.

        Raises:
            ValueError: settings that do not fit together; the message says what to do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define start()")

    def step(self, state: S) -> S:
        """Return the state one step later."""
        raise NotImplementedError(f"{type(self).__name__} must define step(state)")

    def evaluate(self, state: S) -> S:
        """Return the state, evaluated again with the current settings; a scene with `edits` needs this."""
        raise NotImplementedError(f"{type(self).__name__} must define evaluate(state)")


def beyond_softbounds(parameter: "param.Parameter[Any]", value: Any) -> str:
    """Return why a link may not use a value that the parameter accepts, "" if it may."""
    if not isinstance(parameter, param.Number) or value is None:
        return ""
    low, high = parameter.get_soft_bounds()
    if low is not None and value < low:
        return f"must be at least {low}, not {value}"
    return f"must be at most {high}, not {value}" if high is not None and value > high else ""
