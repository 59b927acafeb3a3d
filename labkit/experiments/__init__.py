"""What a tab runs, without any display: settings, `start()`, `step(state)` and presets; one module a tab.

A settings object is an `ExperimentSettings` (`labkit.experiments.settings`) whose class name ends in `Settings`. Its
`bounds` are what a script or a command line may ask for, its `softbounds` what a slider shows and a link may set.
A page imports a tab's settings from the tab's module.
"""
