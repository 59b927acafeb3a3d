"""The tabs that a lesson can use, with the settings that each one runs."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from labkit.experiments import defaults
from labkit.experiments.settings import ExperimentSettings
from labkit.models import card, load_checkpoint, shipped

NETWORK = "model"  # the setting of /draw that the whole page shares


def _plain(module: str, name: str) -> Callable[[Mapping[str, Any]], ExperimentSettings[Any]]:
    """Return a function that creates the settings of a tab; their module is imported at the first call."""
    return lambda values: getattr(importlib.import_module(f"labkit.experiments.{module}"), name)()


def _of_network(module: str, name: str, always: str = "") -> Callable[[Mapping[str, Any]], ExperimentSettings[Any]]:
    """Return a function that creates the settings of a tab which shows a network, by default the page's."""

    def make(values: Mapping[str, Any]) -> ExperimentSettings[Any]:
        network = always or values.get(NETWORK, defaults.NETWORK)
        if network not in networks():
            raise ValueError(f"{NETWORK}={network}: must be one of {', '.join(networks())}")
        return getattr(importlib.import_module(f"labkit.experiments.{module}"), name)(load_checkpoint(network))

    return make


def _of_vaes(values: Mapping[str, Any]) -> ExperimentSettings[Any]:
    """Return the settings of the tab that measures a trained VAE, with the shipped ones."""
    module = importlib.import_module("labkit.experiments.dreg.network")
    return module.NetworkSettings({name: name for name in shipped() if card(name)["kind"] == "vae"})


# page -> tab -> function that creates the settings, called with the values of a lesson
TABS: dict[str, dict[str, Callable[[Mapping[str, Any]], ExperimentSettings[Any]]]] = {
    "svgd": {
        "Particles": _plain("svgd.comparison", "ComparisonSettings"),
        "Regression": _plain("svgd.regression", "RegressionSettings"),
        "Classification": _plain("svgd.classification", "ClassificationSettings"),
        "Collapse": _plain("svgd.collapse", "CollapseSettings"),
    },
    "draw": {
        "Generate": _of_network("draw.generate", "GenerateSettings"),
        "Read": _of_network("draw.read", "ReadSettings"),
        "Latents": _of_network("draw.latents", "LatentsSettings"),
        "Attention lab": _of_network("draw.attention", "AttentionSettings"),
        "Learn": _of_network("draw.learn", "LearnSettings", "draw-digits"),
    },
    "dreg": {
        "Variance against samples": _plain("dreg.variance", "VarianceSettings"),
        "Microscope": _plain("dreg.microscope", "MicroscopeSettings"),
        "Bias meter": _plain("dreg.bias", "BiasSettings"),
        "Alpha dial": _plain("dreg.alpha", "AlphaSettings"),
        "Race": _plain("dreg.race", "RaceSettings"),
        "Network": _of_vaes,
    },
}


def networks() -> list[str]:
    """Return the shipped networks that /draw shows."""
    return [name for name in shipped() if card(name)["kind"] == "draw"]
