"""Pages call every entry of a registry by a title; links and programs use its name."""

import pytest

from labkit import data, models, svgd, targets
from labkit.dreg import ESTIMATORS
from labkit.experiments import titles
from labkit.experiments.settings import RegistrySelector, title_of
from labkit.experiments.svgd import (
    ParticlesSettings,
    classification,
    classification_data,
    collapse,
    particles,
    regression_data,
)

TABLES = [
    (ESTIMATORS, titles.ESTIMATORS),
    ((*svgd.KERNELS, *particles.OF_TARGET), titles.KERNELS),
    ((*collapse.REMEDIES, *svgd.KERNELS), titles.REMEDIES),
    ((*svgd.RULES, particles.FIXED), titles.BANDWIDTHS),
    (svgd.OPTIMIZERS, titles.OPTIMIZERS),
    (targets.TARGETS, titles.TARGETS),
    (particles.TEMPERS, titles.TEMPERS),
    (particles.STARTS, titles.STARTS),
    (classification.FEATURES, titles.FEATURES),
    ((*classification_data.SETS, classification_data.BARE), titles.LABELLED),
    (regression_data.SETS, titles.CURVES),
    (collapse.CORRELATIONS, titles.CORRELATIONS),
    (models.shipped(), titles.NETWORKS),
    (data.SETS, titles.DATA),
]


@pytest.mark.parametrize(("names", "table"), TABLES)
def test_every_entry_has_a_title_of_its_own_that_fits_into_the_sidebar(names, table):
    assert set(names) <= set(table)
    assert len(set(table.values())) == len(table)
    assert all(title[:1].isupper() or title[:1].isdigit() for title in table.values())
    assert max(map(len, table.values())) <= 34


def test_no_list_has_a_name_of_a_registry_without_a_title():
    lists = [each for each in ParticlesSettings().param.objects().values() if isinstance(each, RegistrySelector)]
    assert len(lists) == 5
    assert [each.name for each in lists if set(each.names) & set(each.names.values())] == []


def test_an_own_entry_is_called_by_its_name_and_is_never_hidden_by_another():
    offered = titles.offered(["star", "mine", "Star"], titles.TARGETS)
    assert offered == {"Star": "star", "mine": "mine", "Star (your own)": "Star"}
    assert titles.estimator("mine") == "mine" and titles.estimator("stl") == "STL"
    assert titles.remedy("imq") == "Inverse multiquadric"


def test_a_setting_takes_names_and_is_shown_with_its_title():
    settings = ParticlesSettings(kernel="imq")
    assert (settings.kernel, title_of(settings, "kernel")) == ("imq", "Inverse multiquadric (imq)")
    assert title_of(settings, "n") == "100"
    with pytest.raises(ValueError, match="does not accept"):
        settings.kernel = "Inverse multiquadric (imq)"
