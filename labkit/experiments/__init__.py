"""What a tab runs, without any display: settings, `start()`, `step(state)` and presets; one module per tab.

A settings object is an `ExperimentSettings` (`labkit.experiments.settings`); its class name ends in `Settings`. Its
`bounds` limit what a script or a command line may set. Its `softbounds` limit sliders and links. A page imports the
settings of a tab from the module of the tab.
"""
