"""What every settings class declares: the parameters that a link may set, and the run that follows from them."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import param

S = TypeVar("S")  # a state


class Linkable(param.Parameterized):
    """Parameters that a link may set."""

    if TYPE_CHECKING:  # param's own method has no types

        def __init__(self, **params: Any) -> None: ...

    def refuses(self, name: str, value: Any, asked: dict[str, Any]) -> str:
        """Return why a link may not set this parameter to this value, "" if it may.

        A page's own controls are not asked. `softbounds`, `bounds` and `objects` of the parameter hold without it.

        Args:
            asked: all that the link sets of these parameters, by name.
        """
        return ""


# A type checker cannot infer the values of a `param.Selector`: it is annotated, in quotes because the classes of older
# versions of param take no [type] at run time.
if TYPE_CHECKING:
    _Selector = param.Selector[str]
else:
    _Selector = param.Selector


def reading(registries: tuple[Iterable[str], ...], without: str) -> Callable[[], list[str]]:
    """Return () -> the names that registries have now, each once, without one of them if given."""
    return lambda: [name for name in dict.fromkeys(chain.from_iterable(registries)) if name != without]


class RegistrySelector(_Selector):
    """A choice of one name from registries, which may get new entries after this declaration.

    A new settings object reads the names again.

    Args:
        registries: dictionaries by name, or tuples of names.
        without: a name that is not offered.
    """

    __slots__ = ["names_now"]

    def __init__(self, *registries: Iterable[str], without: str = "", **rest: Any):
        names_now = reading(registries, without)
        super().__init__(objects=names_now(), **rest)
        self.names_now = names_now


class RegistryListSelector(param.ListSelector):
    """A choice of several names from registries, as `RegistrySelector`."""

    __slots__ = ["names_now"]

    def __init__(self, *registries: Iterable[str], without: str = "", **rest: Any):
        names_now = reading(registries, without)
        super().__init__(objects=names_now(), **rest)
        self.names_now = names_now


class ExperimentSettings(Linkable, Generic[S]):
    """What a tab runs. A subclass has the parameters and defines `start` and `step`, which read them each time.

    `bounds` of a parameter are what a script or a command line may ask for. `softbounds` are what a slider shows and a
    link may set: whoever follows a link starts no run that takes for ever. Without them `bounds` hold for both.

    S is the class of its states.
    """

    def __init__(self, **params: Any) -> None:
        for parameter in type(self).param.objects().values():
            if isinstance(parameter, RegistrySelector | RegistryListSelector):
                parameter.objects = parameter.names_now()
        super().__init__(**params)

    @property
    def owners(self) -> tuple[Linkable, ...]:
        """Whose parameters these settings are, for links and tooltips: their own, and those of parts."""
        return (self,)

    def start(self) -> S:
        """Return the first state.

        Raises:
            ValueError: settings that do not go together; the message says what to do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define start()")

    def step(self, state: S) -> S:
        """Return the state one step later."""
        raise NotImplementedError(f"{type(self).__name__} must define step(state)")

    def evaluate(self, state: S) -> S:
        """Return the same state under the settings as they are now; a scene with `edits` needs it."""
        raise NotImplementedError(f"{type(self).__name__} must define evaluate(state)")


def beyond_softbounds(parameter: "param.Parameter[Any]", value: Any) -> str:
    """Return why a value that a parameter takes is out of a link's reach, "" if it is not."""
    if not isinstance(parameter, param.Number) or value is None:
        return ""
    low, high = parameter.get_soft_bounds()
    if low is not None and value < low:
        return f"must be at least {low}, not {value}"
    return f"must be at most {high}, not {value}" if high is not None and value > high else ""
