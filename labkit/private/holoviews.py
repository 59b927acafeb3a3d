"""What labkit uses of HoloViews that HoloViews does not promise to keep."""

import holoviews as hv


def forget_scripts() -> None:
    """Make the next `extension` send the scripts of HoloViews and Panel to a notebook again.

    A reloaded page has lost its scripts. Panel relies on HoloViews to know whether they are loaded, and neither has a
    public way to change that.
    """
    hv.extension._loaded = False


def column_name(dimension: str) -> str:
    """Return the name of the Bokeh column of a dimension. The rule is private to HoloViews."""
    return hv.core.util.dimension_sanitizer(dimension)
