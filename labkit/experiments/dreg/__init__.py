"""Experiments with DReG: one module a tab of its page."""
