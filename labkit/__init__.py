"""Three methods of approximate inference to watch and to steer while they run.

labkit.svgd     particles that flow to a density (Liu & Wang 2016)
labkit.targets  densities to flow to
labkit.stream   a run is a stream of states

`labkit serve` opens the dashboards, `labkit lab` the notebooks; both are made of `labkit.views`.
"""
