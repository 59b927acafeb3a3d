"""The private interface of param that labkit uses exists and behaves as expected."""

import param
import pytest

from labkit.private.param import check


class Settings(param.Parameterized):
    eps = param.Number(0.5, bounds=(0, 1))
    kernel = param.Selector(default="rbf", objects=["rbf", "imq"])
    points = param.List([], bounds=(0, 2))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("eps", 0.25, 2.0),
        ("eps", 1.0, "half"),
        ("kernel", "imq", "none"),
        ("points", [1.0], [1.0, 2.0, 3.0]),
        ("points", [], 1.0),
    ],
)
def test_param_checks_a_value_without_setting_it(relied_on, name, good, bad):
    settings = Settings()
    before = getattr(settings, name)
    with relied_on("param's Parameter._validate has changed: labkit.private.param.check needs another way to ask"):
        check(settings.param[name], good)
        with pytest.raises(ValueError, match=name):
            check(settings.param[name], bad)
        assert getattr(settings, name) == before
