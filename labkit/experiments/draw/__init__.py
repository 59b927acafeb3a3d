"""Experiments with DRAW: one module a tab of its page."""
