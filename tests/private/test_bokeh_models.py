"""Bokeh's models are the same with the defaults that labkit remembers for a class as with those that Bokeh computes."""

import holoviews as hv
import numpy as np
import panel as pn
import pytest
from bokeh.core.has_props import HasProps
from bokeh.document import Document
from bokeh.model import util
from bokeh.models import ColumnDataSource, Label, Plot, Scatter, Toolbar
from bokeh.plotting import figure
from bokeh.themes import Theme

from labkit.private import bokeh_models


@pytest.fixture(autouse=True)
def remembered():
    before = HasProps.themed_values is bokeh_models._own_themed_values
    bokeh_models.forget()
    bokeh_models.remember()
    yield
    bokeh_models.forget()
    if before:
        bokeh_models.remember()


def shown():
    """The document of a page with pictures and controls."""
    hv.extension("bokeh")
    x = np.linspace(0, 1, 5)
    picture = hv.Curve((x, x)) * hv.Scatter((x, x), label="b") * hv.Text(0.5, 0.5, "c")
    widgets = [pn.widgets.IntSlider(), pn.widgets.Select(options=["a"]), pn.widgets.IntInput(), pn.pane.HTML("d")]
    document = Document()
    document.add_root(pn.Column(picture, hv.Image(np.eye(3)), *widgets).get_root(document))
    return document


def test_a_page_has_the_same_models_defaults_and_text(relied_on):
    document = shown()
    models = sorted(document.models, key=lambda model: model.id)

    def seen():
        text = document.to_json(deferred=False)
        found = [[each.id for each in util.collect_models(model)] for model in models]
        defaults = {
            (type(model), name): (repr(model.lookup(name).instance_default(model)), unstable)
            for model in {type(each): each for each in models}.values()
            for name in model.properties(_with_props=True)
            if not (unstable := model.lookup(name).has_unstable_default(model))
        }
        return text, found, defaults

    with relied_on("Bokeh's defaults have changed: labkit.private.bokeh_models needs other functions"):
        quick = [seen(), seen()][1]
        assert len(bokeh_models._defaults) > 500, "nothing was remembered"
        bokeh_models.forget()
        assert quick == seen()


def test_each_model_has_its_own_toolbar_and_list_and_a_reference_that_was_set_is_found(relied_on):
    with relied_on("Bokeh's unstable defaults have changed: labkit.private.bokeh_models shares what it may not"):
        one, other = Plot(), Plot()
        assert isinstance(one.toolbar, Toolbar) and one.toolbar is not other.toolbar
        one.renderers.append(figure().scatter([1], [2]))
        assert other.renderers == []
        source = ColumnDataSource()
        other.references()
        other.tags = [source]
        assert source in other.references() and source not in one.references()
        label = Label(x=0, y=0)
        one.add_layout(label)
        assert label in one.references() and label not in other.references()


def test_a_theme_changes_a_remembered_default_and_takes_it_back(relied_on):
    with relied_on("Bokeh's themes have changed: labkit.private.bokeh_models hides their values"):
        usual = Scatter().fill_alpha
        glyph, document = Scatter(), Document()
        document.theme = Theme(json={"attrs": {"Scatter": {"fill_alpha": 0.25}}})
        document.add_root(Plot(tags=[glyph]))
        assert (glyph.fill_alpha, Scatter().fill_alpha) == (0.25, usual)
        document.theme = None
        assert glyph.fill_alpha == usual
