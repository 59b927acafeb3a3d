"""Experiments with SVGD: one module a tab of its page."""
