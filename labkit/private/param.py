"""What labkit uses of param that param does not promise to keep."""

from typing import Any

import param


def check(parameter: "param.Parameter[Any]", value: Any) -> None:
    """Check whether a parameter accepts a value, without setting it.

    Param has no public way to check without setting. A link with one bad value would set the values before it.

    Raises:
        ValueError: the parameter refuses the value; the text gives the reason.
    """
    parameter._validate(value)
