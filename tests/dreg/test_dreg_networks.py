"""The VAEs: their sizes, their initial weights, which half is given, and configurations that raise an error."""

import json
import math
from dataclasses import asdict

import pytest
import torch
from torch import nn

from labkit import dreg
from labkit.dreg import PRESETS, VAE, Config, networks, passes

HALVES = {"height": 4, "width": 3, "latent": (3,), "hidden": (5,)}
TOP, BOTTOM = slice(0, 2), slice(2, 4)  # rows of the image


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 3, seed: int = 5) -> torch.Tensor:
    return torch.bernoulli(torch.full((n, 1, 4, 3), 0.4), generator=seeded(seed)).double()


def made(halves: str, **changed) -> VAE:
    """A network in float64 with a mean of .2 in the top half and .7 in the bottom half."""
    torch.manual_seed(1)
    model = VAE(Config(**HALVES | changed, halves=halves)).double()
    for each in model.parameters():
        nn.init.normal_(each, std=0.6)
    start = torch.full((2, 1, 4, 3), 0.2)
    start[:, :, BOTTOM] = 0.7
    model.begin_at(start)
    return model


# sizes and initial weights


def shapes(module) -> list[tuple[int, int]]:
    return [(each.in_features, each.out_features) for each in module.modules() if isinstance(each, nn.Linear)]


def test_the_original_has_layers_of_784_200_200_50_and_back():
    model = VAE(PRESETS["original"])
    assert shapes(model.q) == [(784, 200), (200, 200), (200, 100)] and shapes(model.p) == []
    assert shapes(model.pixels) == [(50, 200), (200, 200), (200, 784)]
    assert model.config.deviation == "softplus" and model.controls is None


def test_burdas_second_has_a_layer_of_100_and_one_of_50():
    model = VAE(PRESETS["burda-2"])
    assert shapes(model.q) == [(784, 200), (200, 200), (200, 200), (100, 100), (100, 100), (100, 100)]
    assert shapes(model.p) == [(50, 100), (100, 100), (100, 200)]
    assert shapes(model.pixels) == [(100, 200), (200, 200), (200, 784)] and model.config.deviation == "exp"


def test_half_an_image_has_a_prior_given_the_other_half():
    model = VAE(Config(**HALVES, halves="bottom"))
    assert shapes(model.q)[0] == (12, 5) and shapes(model.p)[0] == (6, 5)
    assert shapes(model.pixels)[0] == (3 + 6, 5) and shapes(model.pixels)[-1] == (5, 6)
    assert {id(w) for w in [*model.inference, *model.generative]} == {id(w) for w in model.parameters()}


def test_weights_start_as_glorot_and_biases_at_zero():
    """Weights are uniform on +-(6 / (in + out))^.5, with variance 2 / (in + out)."""
    torch.manual_seed(0)
    for layer in [each for each in VAE().modules() if isinstance(each, nn.Linear)]:
        most = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert layer.weight.abs().max() <= most
        assert layer.weight.std().item() == pytest.approx(most / 3**0.5, rel=0.03)
        assert (layer.bias == 0).all()


def test_inputs_are_centred_and_outputs_start_at_the_mean():
    """The input loses the mean of the images, the output gets its logit, limited to a thousandth from 0 and 1."""
    model = VAE(Config(**HALVES)).double()
    for each in model.pixels.parameters():
        nn.init.zeros_(each)
    x = torch.rand(9, 1, 4, 3, generator=seeded())
    x[:, 0, 0, 0], x[:, 0, 0, 1] = 0.0, 1.0
    model.begin_at(x)
    mean = x.double().mean(0).flatten()
    assert (model.generate(2)[0].flatten() - mean.clamp(1e-3, 1 - 1e-3)).abs().max() < 1e-7
    mu, _ = model.infer(mean[None])
    assert (mu == model.q[0].net(torch.zeros(1, 12, dtype=torch.float64)).chunk(2, -1)[0]).all()


def test_both_deviations_follow_their_formulas():
    raw = torch.linspace(-3, 3, 6, dtype=torch.float64)
    for name, wanted in (("exp", raw.exp()), ("softplus", (1 + (raw + 0.25).exp()).log())):
        layer = networks.ConditionalNormal(2, 4, 6, name).double()
        nn.init.zeros_(layer.net[4].weight)
        with torch.no_grad():
            layer.net[4].bias[6:] = raw
        assert (layer(torch.ones(1, 2, dtype=torch.float64))[1] - wanted).abs().max() < 1e-14


def test_a_config_survives_json():
    for config in (*PRESETS.values(), Config(**HALVES, halves="original", controls=True)):
        assert Config(**json.loads(json.dumps(asdict(config)))) == config
    assert VAE(Config(**HALVES, controls=True)).controls.keys() == {"alpha", "beta", "gamma", "delta"}


def test_images_are_generated_from_the_top_layer_down():
    """Two layers are computed by hand with the noise of the same generator: z_2, then z_1 given z_2."""
    torch.manual_seed(1)
    model = VAE(Config(4, 3, (4, 2), (5, 6))).double()
    got, noise = model.generate(3, generator=seeded(4)), seeded(4)
    z2 = torch.randn(3, 2, generator=noise, dtype=torch.float64)
    mu, sigma = model.p[0](z2)
    z1 = mu + sigma * torch.randn(3, 4, generator=noise, dtype=torch.float64)
    assert torch.equal(got.flatten(1), (model.pixels(z1) + model.mean.logit()).sigmoid())
    assert got.shape == (3, 1, 4, 3) and not got.requires_grad


# halves


def other_half_is_generated(halves: str, given: slice, rest: slice) -> None:
    """One of (top, bottom) is given and does not change; no pixel of the rest affects p(z | given) or the logits."""
    model, x = made(halves), images()
    inked = x.clone()
    inked[:, :, rest] = 1 - inked[:, :, rest]
    drawn, again = (model.generate(3, given=each, generator=seeded(1)) for each in (x, inked))
    assert torch.equal(drawn, again) and torch.equal(drawn[:, :, given], x[:, :, given])
    assert ((drawn[:, :, rest] > 0) & (drawn[:, :, rest] < 1)).all()
    changed = x.clone()
    changed[:, :, given] = 1 - changed[:, :, given]
    assert not torch.equal(model.generate(3, given=changed, generator=seeded(1))[:, :, rest], drawn[:, :, rest])


def test_the_bottom_is_generated_from_the_top():
    other_half_is_generated("bottom", TOP, BOTTOM)


def test_the_original_generates_the_top_from_the_bottom():
    other_half_is_generated("original", BOTTOM, TOP)


@pytest.mark.parametrize(("halves", "rest"), [("bottom", BOTTOM), ("original", TOP)])
def test_the_likelihood_covers_only_the_generated_pixels(halves, rest):
    """The logits depend on no input, so only the rest counts; its start is the mean of the BOTTOM, .7, in both."""
    model, x = made(halves), images()
    for each in model.pixels.parameters():
        nn.init.zeros_(each)
    ink = x[:, :, rest].sum((1, 2, 3))
    wanted = -(ink * math.log(0.7) + (6 - ink) * math.log(0.3))
    # the start was float32 at first
    assert (passes.run(model, x, 2, generator=seeded()).nll - wanted).abs().max() < 1e-6


@pytest.mark.parametrize(("halves", "given"), [("bottom", TOP), ("original", BOTTOM)])
def test_the_given_half_is_centred_on_the_mean_of_the_top(halves, given):
    """The published code does this too, although it gives the bottom: it exchanges the statistics of the halves."""
    model, x = made(halves), images()
    mu, sigma = model.p[0](x[:, :, given].flatten(1) - torch.tensor(0.2).double())
    got = model.prior(0, [], model.split(x.flatten(1))[0])
    assert (got[0] - mu).abs().max() < 1e-6 and (got[1] - sigma).abs().max() < 1e-6


def test_q_depends_on_the_whole_image():
    model, x = made("bottom"), images()
    for half in (TOP, BOTTOM):
        changed = x.clone()
        changed[:, :, half] = 1 - changed[:, :, half]
        assert not torch.equal(model.infer(changed.flatten(1))[0], model.infer(x.flatten(1))[0])


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        ("halves swapped", lambda: other_half_is_generated("bottom", TOP, BOTTOM)),
        ("halves swapped", lambda: other_half_is_generated("original", BOTTOM, TOP)),
    ],
)
def test_the_check_fails_for_the_mutant(monkeypatch, mutant, check):
    check()
    right = VAE.split
    monkeypatch.setattr(VAE, "split", lambda self, x: right(self, x)[::-1])
    with pytest.raises(AssertionError):
        check()


# errors


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"height": 0}, "height must be whole numbers >= 1, got 0"),
        ({"width": True}, "width must be whole numbers >= 1, got True"),
        ({"latent": ()}, "latent must be whole numbers >= 1, got ()"),
        ({"latent": (3, True), "hidden": (5, 5)}, "latent must be whole numbers >= 1, got (3, True)"),
        ({"latent": (3, 2)}, "hidden must have one number per layer, 2 in all, got (5,)"),
        ({"deviation": "relu"}, "deviation must be one of 'softplus', 'exp', got 'relu'"),
        ({"halves": "left"}, "halves must be one of '', 'bottom', 'original', got 'left'"),
        ({"halves": "bottom", "height": 5}, "halves need an even height and one layer of latents, got 5 and 1"),
        ({"halves": "bottom", "latent": (3, 2), "hidden": (5, 5)}, "one layer of latents, got 4 and 2"),
    ],
)
def test_a_wrong_configuration_raises_a_short_error(changed, said):
    with pytest.raises(ValueError) as caught:
        Config(**HALVES | changed)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_preset_raises_an_error_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"\Athe network must be one of original, burda-1, burda-2, small, got 'big'\Z"
    ):
        dreg.preset("big")


@pytest.mark.parametrize(
    "x", [torch.rand(3, 1, 4, 4), torch.full((3, 1, 4, 3), 2.0), torch.full((3, 1, 4, 3), math.nan)]
)
def test_wrong_images_for_the_mean_are_rejected(x):
    with pytest.raises(ValueError, match=r"\Aimages must be .N, 1, 4, 3. in .0, 1., got "):
        VAE(Config(**HALVES)).begin_at(x)


@pytest.mark.parametrize(
    ("halves", "n", "given", "said"),
    [
        ("", 0, None, "n must be >= 1, got 0"),
        ("", 3, images(), r"given must be None for this network, got \(3, 1, 4, 3\)"),
        ("bottom", 3, None, r"given must be images \(n, 1, 4, 3\) for this network, got None"),
        ("bottom", 2, images(), r"given must be images \(n, 1, 4, 3\) for this network, got \(3, 1, 4, 3\)"),
    ],
)
def test_generate_rejects_wrong_numbers_and_images(halves, n, given, said):
    with pytest.raises(ValueError, match=said):
        made(halves).generate(n, given=given)
