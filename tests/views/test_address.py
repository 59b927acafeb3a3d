"""Settings in the address: everyone who opens it gets the same ones, and invalid settings are reported."""

from urllib.parse import parse_qs, urlsplit

import param
import pytest
import torch
from panel.io.location import Location

from labkit.experiments.links import set_all
from labkit.experiments.settings import Linkable
from labkit.experiments.svgd import PRESETS, ComparisonSettings, ParticlesSettings
from labkit.targets.drawn import encoded
from labkit.views.address import Address, encode, rounded

EXPERIMENT = {
    "target": "banana",
    "shape": {"curvature": 0.25, "spread": 1.1},
    "drawing": encoded(torch.arange(1024, dtype=torch.uint8).reshape(32, 32) % 4),
    "formula": "-x**2 / 2 - 3.0e-1*abs(y)**4 + 1",
    "means": [-4.25, 0.0, 3.5],
    "weights": [0.2, 0.3, 0.5],
    "scale": 0.35,
    "n": 50,
    "begin": "uniform",
    "begin_mean": 2.5,
    "begin_scale": 0.25,
    "kernel": "imq",
    "bandwidth": "fixed",
    "length": 0.123456789,
    "optimizer": "adam",
    "step_size": 1 / 3,
    "temper": "cyclical",
    "batch": 17,
    "seed": 4321,
}
SCENE = {"compare": "kernel", "other": "matern32", "arrows": True, "snapshots": False, "story": "A banana"}


@pytest.fixture
def visit():
    """visit(search) -> an Address that a page with this query creates."""

    def at(search=""):
        address = Address()
        address.location = Location(search=search)
        return address

    return at


def values(owner):
    """All settings, with the digits that an address keeps."""
    return {name: rounded(value) for name, value in owner.param.values().items() if name != "name"}


def test_every_setting_is_restored_from_the_address(visit):
    """Each setting differs from its default; a missing one would show."""
    assert set(EXPERIMENT) == set(values(ParticlesSettings()))
    first, written = ParticlesSettings(), visit()
    written.sync(first)
    first.param.update(**EXPERIMENT)
    assert all(values(first)[name] != first.param[name].default for name in EXPERIMENT)
    second, read = ParticlesSettings(), visit(written.location.search)
    read.sync(second)
    assert values(second) == EXPERIMENT | {"step_size": 0.3333333333}
    assert not read.warning.visible


@pytest.mark.parametrize("name", EXPERIMENT)
def test_a_single_setting_is_restored_from_the_address(visit, name):
    first, written = ParticlesSettings(), visit()
    written.sync(first)
    setattr(first, name, EXPERIMENT[name])
    assert list(parse_qs(urlsplit(written.location.search).query)) == [name]
    second = ParticlesSettings()
    visit(written.location.search).sync(second)
    assert values(second) == values(ParticlesSettings()) | {name: rounded(EXPERIMENT[name])}


def test_a_comparison_is_restored_from_the_address(visit):
    first, written = ComparisonSettings(), visit()
    assert set(SCENE) == set(values(first))
    written.sync(*first.owners)
    first.param.update(**SCENE)
    second, read = ComparisonSettings(), visit(written.location.search)
    read.sync(*second.owners)
    assert values(second) == SCENE and second.second().kernel == "matern32" and second.run.kernel == "rbf"
    assert not read.warning.visible


@pytest.mark.parametrize("story", PRESETS)
def test_a_story_is_restored_from_the_address(visit, story):
    first, written = ParticlesSettings(), visit()
    written.sync(first)
    first.param.update(**PRESETS[story][0])
    second = ParticlesSettings()
    visit(written.location.search).sync(second)
    assert values(second) == values(first)


def test_default_values_are_left_out(visit):
    experiment, address = ParticlesSettings(), visit()
    address.sync(experiment)
    assert address.location.search == ""
    experiment.n = 50
    assert address.location.search == "?n=50"
    experiment.n = 100
    assert address.location.search == ""


@pytest.mark.parametrize(
    "search, words",
    [
        ("?n=0", "n=0: must be at least 1"),
        ("?n=999999", "n=999999: must be at most 2000, not 999999"),
        ("?length=0.001", "length=0.001: must be at least 0.01"),
        ("?length=-1", "length=-1.0: must be greater than 0"),
        ("?begin_mean=20", "begin_mean=20.0: must be at most 15.0"),
        ("?n=many", "n=many: must be an integer"),
        ("?n=true", "n=True: must be a number"),
        ("?step_size=NaN", "step_size=nan"),
        pytest.param("?n=" + "1" * 5000, "n=inf: must be", id="5000 digits"),
        pytest.param("?step_size=" + "9" * 400, "step_size=inf: must be", id="400 digits"),
        pytest.param('?shape={"dim":' + "9" * 5000 + "}", "shape={'dim': inf}: must be finite", id="digits in a dict"),
        pytest.param("?kernel=" + "x" * 5000, "kernel=" + "x" * 57 + "...: must be one of rbf, ", id="5000 letters"),
        pytest.param("?means=" + "[" * 20000, "must be a list", id="20000 brackets"),
        ("?means=[1e400]", "means=[inf]: must be finite"),
        ("?n=²", "n=²: must be an integer"),
        ("?kernel=nope", "kernel=nope: must be one of rbf, imq"),
        ("?kernel=linaer", "; did you mean linear?"),
        ("?kernel=3", "kernel=3: must be one of rbf, imq"),
        ("?shape=3", "shape=3: must be an instance of dict"),
        ('?shape={"dim":1000000}', "dim must be from 1 to 100"),
        ('?shape={"dim":"x"}', "dim must be from 1 to 100"),
        ('?shape={"hue":1}', "no target has a parameter hue"),
        ("?sed=3", "no setting is called sed"),
    ],
)
def test_invalid_settings_are_reported_and_all_others_are_set(visit, search, words):
    experiment, address = ParticlesSettings(), visit(search + "&seed=7")
    address.sync(experiment)
    assert address.warning.visible and words in address.warning.object.replace("&#x27;", "'")
    assert values(experiment) == values(ParticlesSettings()) | {"seed": 7}


@pytest.mark.parametrize("search", ["?<script>alert(1)</script>=1", "?kernel=<script>alert(1)</script>"])
def test_the_warning_is_text(visit, search):
    experiment, address = ParticlesSettings(), visit(search)
    address.sync(experiment)
    assert "<script" not in address.warning.object and "&lt;script&gt;" in address.warning.object


@pytest.mark.parametrize("other", ['"abc"', "[1]", "99999"])
def test_an_invalid_second_run_is_reported_and_equals_the_first(visit, other):
    settings, address = ComparisonSettings(), visit(f"?compare=n&other={other}")
    address.sync(*settings.owners)
    assert address.warning.visible and "as the second run" in address.warning.object
    assert settings.compare == "n" and settings.other is None and settings.second().n == settings.run.n


def test_only_other_settings_are_a_move_of_the_browser(visit):
    """The address also says how the browser shows the page, in any order."""
    address, settings, moves = visit(), ParticlesSettings(), []
    address.sync(settings)
    address.follow(moves.append)
    settings.n = 7
    address.location.search = "?present=1&n=7&theme=dark"
    assert moves == []
    address.location.search = "?n=8"
    assert moves == [{"n": 8}]


class Open(Linkable):
    tab = param.Selector(objects=["one", "two"])


class Tab(Linkable):
    n = param.Integer(default=5, bounds=(1, 9))
    width = param.Number(default=1.0)


def test_the_address_describes_the_open_tabs(visit):
    """Settings of the same name belong to the tab that the link opens; when another tab opens, its settings replace
    them.
    """
    address, chosen, tabs = visit("?tab=two&n=7&theme=dark&nothing=1"), Open(), {"one": Tab(), "two": Tab()}
    address.sync_tabs(chosen, lambda name: (tabs[name],))
    assert (chosen.tab, tabs["two"].n, tabs["one"].n) == ("two", 7, 5)
    assert "no setting is called nothing" in address.warning.object and "theme" not in address.warning.object
    assert address.location.search == "?tab=two&n=7&theme=dark&nothing=1"  # a link that is read is not overwritten
    tabs["two"].width = 2.5
    assert parse_qs(urlsplit(address.location.search).query) == {"tab": ["two"], "n": ["7"], "width": ["2.5"]}
    chosen.tab = "one"
    assert address.location.search == ""
    tabs["one"].n = 3
    assert address.location.search == "?n=3"
    chosen.tab = "two"
    chosen.tab = "one"
    chosen.tab = "two"
    assert parse_qs(urlsplit(address.location.search).query) == {"tab": ["two"], "n": ["7"], "width": ["2.5"]}


def test_a_tab_reads_its_settings_only_when_it_opens(visit):
    address, chosen, asked = visit(), Open(), []
    address.sync_tabs(chosen, lambda name: asked.append(name) or ())
    assert set(asked) == {"one"}
    chosen.tab = "two"
    assert set(asked) == {"one", "two"}


def test_the_theme_and_a_missing_location_cause_no_warning(visit):
    address = visit("?theme=dark")
    address.sync(ParticlesSettings())
    assert not address.warning.visible
    experiment, nowhere = ParticlesSettings(), visit()
    nowhere.location = None
    nowhere.sync(experiment)
    experiment.n = 5


def test_numbers_keep_ten_digits_and_text_stays_text():
    assert encode({"a": 1 / 3, "b": "x y&z", "c": [1.0, -2.5]}) == "a=0.3333333333&b=x%20y%26z&c=[1.0,-2.5]"


def test_whole_numbers_are_numbers():
    class Owner(Linkable):
        size = param.Number(default=0.5, bounds=(0, 5))

    owner = Owner()
    assert set_all(owner, {"size": 2}) == [] and owner.size == 2.0 and isinstance(owner.size, float)
    assert set_all(owner, {"size": True}) == ["size=True: must be a number"] and owner.size == 2.0
