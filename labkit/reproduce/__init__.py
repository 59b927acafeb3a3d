"""Reproduces the figures and tables of the original SVGD program and of its paper (Liu & Wang 2016).

`labkit reproduce --list` names them. `uci` and `covertype` are posteriors of real data. `gmm` and `mvn` are toys.
"""
