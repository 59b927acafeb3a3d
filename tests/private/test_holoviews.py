"""HoloViews' private interfaces that labkit uses exist and behave as expected."""

from types import SimpleNamespace

import holoviews as hv
import holoviews.plotting.bokeh  # noqa: F401
import panel as pn
import pytest

from labkit.private import holoviews as private


def test_panel_sends_the_scripts_to_a_notebook_again_after_forget(relied_on, monkeypatch):
    sent = []
    monkeypatch.setattr(pn.extension, "_loaded", True)
    monkeypatch.setattr(hv.extension, "_loaded", True)
    monkeypatch.setattr(hv.plotting.Renderer, "load_nb", lambda *_, **__: sent.append("HoloViews"))
    monkeypatch.setattr("panel.io.notebook.load_notebook", lambda *_, **__: sent.append("Panel"))
    monkeypatch.setattr("builtins.display", lambda *_, **__: None, raising=False)  # a notebook has it
    shell = SimpleNamespace(kernel=None)
    with relied_on("hv.extension._loaded has changed: labkit.private.holoviews.forget_scripts needs another way"):
        pn.extension(ip=shell)
        assert sent == ["Panel"]
        private.forget_scripts()
        pn.extension(ip=shell)
        assert sent == ["Panel", "HoloViews", "Panel"]


@pytest.mark.parametrize("name", ["y", "log p", "ε", "a-b (c)"])
def test_holoviews_names_a_column_after_its_dimension(relied_on, name):
    labels = hv.Labels([(1.0, 2.0, "one")], ["step", name], "text")
    with relied_on("hv.core.util.dimension_sanitizer has changed: labkit.private.holoviews.column_name needs its rule"):
        source = hv.renderer("bokeh").get_plot(labels).handles["source"]
        assert private.column_name(name) in source.data
