"""The figures and tables of the original SVGD program and of its paper (Liu & Wang 2016), each made again.

`labkit reproduce --list` names them: `uci` and `covertype` are its real posteriors, `gmm` and `mvn` its toys.
"""
