"""Marks compute the right answer of a question from the states of a run.

A mark is a function of the kept states of a run, oldest first, and of keyword arguments. It returns a number, a place
of two numbers, or the text of a choice. It reads public fields of the states and nothing else.
"""

from labkit.lessons.marks import combined, draw, dreg, svgd
from labkit.lessons.marks.registry import MARKS, Mark, register_mark

__all__ = ["MARKS", "Mark", "combined", "draw", "dreg", "register_mark", "svgd"]
