"""The noise of a network's gradient: which networks and images are measured, and the replicates of a seed."""

import pytest
import torch

from labkit import data, dreg
from labkit.dreg import replicates
from labkit.experiments.dreg import network
from labkit.experiments.dreg.network import NetworkSettings
from labkit.experiments.dreg.variance import slope
from labkit.experiments.links import set_tab
from labkit.training import schedules

pytestmark = pytest.mark.slow  # networks from files

SIZES = (1, 8, 16)


def test_images_are_the_first_of_the_networks_own_test_set(vae_files):
    subject = NetworkSettings(vae_files).subject()
    assert subject.words == "the first 8 test images of 8 × 8 digits"
    assert set(subject.images.unique().tolist()) == {0.0, 1.0} and subject.images.shape == (8, 1, 8, 8)
    grey = data.load("digits", "test")[0][:8] / 255
    assert (subject.images[grey == 0] == 0).all() and (subject.images[grey == 1] == 1).all()


def test_without_its_data_set_a_network_samples_its_images_and_reports_it(vae_files, nothing_here):
    subject = NetworkSettings(vae_files, network="far").subject()
    assert subject.words == (
        "8 images that the network drew itself, because its data set, Omniglot (letters), does not come with labkit "
        "(the terminal command “labkit data list” shows all)"
    )
    assert set(subject.images.unique().tolist()) == {0.0, 1.0} and subject.images.shape == (8, 1, 6, 4)


def test_halves_without_images_name_the_data_set_to_fetch(vae_files, nothing_here):
    with pytest.raises(
        ValueError, match=r"\Athe data set omniglot is missing, and this network .*; run labkit data fetch omniglot\Z"
    ):
        NetworkSettings(vae_files, network="halves").start()


def test_steps_are_replicates_of_the_seed(vae_files):
    settings = NetworkSettings(vae_files, SIZES, seed=3)
    state = settings.step(settings.start())
    want = replicates.start(state.subject.model, 8, state.estimators, SIZES)
    for t in range(2):
        noise = torch.Generator().manual_seed(schedules.seed("network", 3, t))
        want = replicates.step(want, state.subject.model, state.subject.images, generator=noise, replicates=16)
    assert state.t == 2 and state.total.n == 32 and torch.equal(state.total.variance, want.variance)


def test_reconstructions_keep_the_given_half(vae_files):
    model = dreg.VAE(dreg.Config(6, 4, (2,), (4,), halves="bottom"))
    x = torch.rand(3, 1, 6, 4)
    made = network.reconstructed(network.Subject(model, x, ""))
    assert made.shape == x.shape and torch.equal(made[:, :, :3], x[:, :, :3]) and not torch.equal(made, x)


def test_slopes_use_eight_samples_and_more():
    k = torch.tensor([1.0, 8, 16, 64], dtype=torch.float64)
    values = k**-2
    values[0] = 100.0
    assert slope((1, 8, 16, 64), values, network.SLOPES_FROM) == pytest.approx(-2, abs=1e-12)


def test_the_defaults_of_a_link_have_a_network(vae_files):
    settings = NetworkSettings(vae_files, network="far", seed=3)
    assert set_tab(settings, {"seed": 5}) == ([], {})
    assert (settings.network, settings.seed) == (next(iter(vae_files)), 5)
