"""What labkit uses of HoloViews that HoloViews does not promise to keep."""

import holoviews as hv


def forget_scripts() -> None:
    """Have HoloViews and Panel send a notebook their scripts at the next `extension`, as if it were the first.

    Panel asks HoloViews whether the scripts are loaded, and neither has a public way to say that a reloaded page has
    lost them.
    """
    hv.extension._loaded = False


def column_name(dimension: str) -> str:
    """Return the name of the Bokeh column that holds a dimension; only HoloViews' own code knows its rule."""
    return hv.core.util.dimension_sanitizer(dimension)
