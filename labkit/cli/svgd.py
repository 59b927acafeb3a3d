"""`labkit svgd`: a run without a browser."""

from labkit.cli.errors import fail


def command() -> None:
    """Run SVGD without a browser."""
    fail("there is no svgd command yet; labkit serve svgd shows a run")
