"""Runs as data: pictures declared once, then frames, and HTML files that play them anywhere.

save(live, "run.html")                  what a live view has kept of its run
save_states(view, states, "run.html")   states from anywhere
save_past(views, past, "run.html")      the past of a run
"""

from labkit.recordings.files import count, save, save_past, save_states

__all__ = ["count", "save", "save_past", "save_states"]
