"""What labkit uses of param that param does not promise to keep."""

from typing import Any

import param


def check(parameter: "param.Parameter[Any]", value: Any) -> None:
    """Return if a parameter takes the value, and leave the parameter as it is.

    Param has a public way to set a value, none to ask: a link with one bad value would set the good ones before it.

    Raises:
        ValueError: the parameter does not take it; the text gives the reason.
    """
    parameter._validate(value)
