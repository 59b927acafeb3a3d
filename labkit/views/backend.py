"""The plotting backend of HoloViews."""

import holoviews as hv


def use_bokeh() -> None:
    """Make Bokeh the backend if there is none yet, as in a script that has loaded no extension."""
    if hv.Store.current_backend not in hv.Store.renderers:
        hv.Store.set_current_backend("bokeh")
