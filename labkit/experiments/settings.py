"""What every settings class declares: the parameters that a link may set, and the run that follows from them."""

from typing import Any

import param


class Linkable(param.Parameterized):
    """Parameters that a link may set."""

    def refuses(self, name: str, value: Any, asked: dict[str, Any]) -> str:
        """Return why a link may not set this parameter to this value, "" if it may.

        A page's own controls are not asked. `bounds` and `objects` of the parameter hold without it.

        Args:
            asked: all that the link sets of these parameters, by name.
        """
        return ""


class ExperimentSettings(Linkable):
    """What a tab runs. A subclass has the parameters and defines `start` and `step`, which read them each time.

    `bounds` of a parameter are what a link or a script may ask for, `softbounds` what a slider shows.
    """

    @property
    def owners(self) -> tuple[Linkable, ...]:
        """Whose parameters these settings are, for links and tooltips: their own, and those of parts."""
        return (self,)

    def start(self) -> Any:
        """Return the first state.

        Raises:
            ValueError: settings that do not go together; the message says what to do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define start()")

    def step(self, state: Any) -> Any:
        """Return the state one step later."""
        raise NotImplementedError(f"{type(self).__name__} must define step(state)")

    def evaluate(self, state: Any) -> Any:
        """Return the same state under the settings as they are now; a scene with `edits` needs it."""
        raise NotImplementedError(f"{type(self).__name__} must define evaluate(state)")
