"""The experiments with z: what is kept stays, what is measured is what the pictures show, and the ends are the ends."""

from dataclasses import replace

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch

from labkit import draw
from labkit.draw import latents
from labkit.views.draw import Latents, printed
from labkit.views.draw.drawing import REST
from labkit.views.draw.exploring import EXPERIMENTS
from labkit.views.draw.latents import VALUES, Changer, Interpolator, Resampler
from labkit.views.draw.variants import Effects, Marked, differing, moved, spread

CONFIGS = {
    "windows": draw.Config(height=9, width=10, steps=4, hidden=8, latent=3, read=2, write=3),
    "whole images": draw.Config(height=9, width=10, steps=3, hidden=8, latent=3, read=None, write=None),
    "colour": draw.Config(channels=3, height=8, width=8, steps=2, hidden=8, latent=2, read=2, write=1, classes=3),
}  # fmt: skip


@pytest.fixture(params=list(CONFIGS))
def model(request):
    """A network whose weights are large enough for z to be seen."""
    torch.manual_seed(0)
    made = draw.DRAW(CONFIGS[request.param]).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(3)
    return made


def noise_of(config, n, seed=0):
    return torch.randn(config.steps, n, config.latent, generator=torch.Generator().manual_seed(seed))


def label_of(config):
    return 1 if config.classes else None


def image(model, z):
    """The finished images of z."""
    labels = torch.full((z.shape[1],), 1) if model.config.classes else None
    with torch.no_grad():
        return model.generate(z.shape[1], z=z, labels=labels).images[-1]


# drawn anew


def test_what_comes_before_t_is_kept_bit_for_bit_and_the_rest_is_the_noise(model):
    steps = model.config.steps
    z, noise = noise_of(model.config, 1), noise_of(model.config, 5, seed=1)
    for t in range(1, steps + 2):
        found = latents.resample(z, t, noise)
        assert torch.equal(found[: t - 1], z[: t - 1].expand(-1, 5, -1)) and torch.equal(found[t - 1 :], noise[t - 1 :])
    for t in (0, steps + 2):
        with pytest.raises(ValueError, match=f"t must be 1 to {steps + 1}, got {t}; glimpses are counted from 1"):
            latents.resample(z, t, noise)


def test_the_spread_is_that_of_images_drawn_one_t_at_a_time_and_ends_at_zero(model):
    z, noise = noise_of(model.config, 1), noise_of(model.config, 6, seed=1)
    got = latents.spread(model, z, noise, label=label_of(model.config)).numpy()
    want = []
    for t in range(model.config.steps):
        sheet = image(model, torch.cat([z.expand(-1, 6, -1)[:t], noise[t:]])).numpy().astype(float)
        want.append(np.sqrt(((sheet - sheet.mean(0)) ** 2).sum(0) / 5).mean())
    assert np.allclose(got, [*want, 0], rtol=1e-4, atol=1e-6)
    assert min(want) > 1e-4  # there was something to measure


def test_images_of_several_passes_are_those_of_one(model, monkeypatch):
    z, noise = noise_of(model.config, 1), noise_of(model.config, 4, seed=1)
    whole = latents.spread(model, z, noise, label=label_of(model.config))
    monkeypatch.setattr(latents, "CHUNK", 3)
    assert torch.allclose(latents.spread(model, z, noise, label=label_of(model.config)), whole, atol=1e-6)


def test_all_of_a_sheet_have_the_originals_canvases_before_t(model):
    settings = Resampler(model, n=5, t=2)
    state = settings.start()
    original = settings.drawn(settings.noise(1, 0)).canvas
    assert torch.equal(state.trace.z[:1], settings.noise(1, 0)[:1].expand(-1, 5, -1))
    assert torch.allclose(state.trace.canvas[:1], original[:1].expand(-1, 5, -1, -1, -1), atol=1e-6)
    assert torch.allclose(state.trace.canvas[:, :1], original, atol=1e-6)  # the first is the original to the end
    assert not torch.allclose(state.trace.canvas[1, 0], state.trace.canvas[1, 1], atol=1e-4)


def test_the_marked_point_of_the_curve_is_the_spread_of_the_sheet_on_screen(model):
    settings = Resampler(model, n=5)
    for t in range(1, model.config.steps + 2):
        settings.t = t
        state = settings.start()
        mark = spread().columns(state)["now"]
        assert mark["t"].tolist() == [t]
        assert np.allclose(mark["y"], state.trace.images[-1].std(0).mean().item(), atol=1e-6)
        assert np.allclose(state.apart.mean().item(), mark["y"], atol=1e-6)
    assert state.apart.max() < 1e-6 and len(state.spread) == model.config.steps + 1


def test_every_sheet_draws_other_images_with_the_same_beginning(model):
    settings = Resampler(model, n=4, t=2, seed=5)
    first, second = settings.sheet(0), settings.sheet(1)
    assert torch.equal(first.trace.z[:1], second.trace.z[:1]) and torch.equal(first.trace.z[:, 0], second.trace.z[:, 0])
    assert not torch.equal(first.trace.z[1:, 1:], second.trace.z[1:, 1:])
    assert not torch.equal(first.spread, second.spread)
    assert torch.equal(settings.sheet(0).trace.z, first.trace.z)
    assert not torch.equal(Resampler(model, n=4, seed=6).sheet(0).trace.z[:, 0], first.trace.z[:, 0])


# one number


@pytest.mark.parametrize("step, within", [(1e-4, 1e-6), (latents.STEP, 0.02)])
def test_slopes_are_those_of_autograd(model, monkeypatch, step, within):
    """A random weighing of the pixels: backwards, exact, against differences forwards, whose error falls as h^2."""
    monkeypatch.setattr(latents, "STEP", step)
    model = model.double()
    c, z, t = model.config, noise_of(model.config, 1).double(), model.config.steps - 1
    got = latents.slopes(model, z, t, label=label_of(c))
    labels = torch.tensor([1]) if c.classes else None
    for seed in range(3):
        weights = torch.randn(got.shape[1:], generator=torch.Generator().manual_seed(seed), dtype=z.dtype)
        known = z.clone().requires_grad_()
        (weights * model.generate(1, z=known, labels=labels).images[-1, 0]).sum().backward()
        want = known.grad[t - 1, 0]
        assert ((weights * got).sum((1, 2, 3)) - want).abs().max() < within * want.abs().max()
    with pytest.raises(ValueError, match=f"t must be 1 to {c.steps}, got {c.steps + 1}"):
        latents.slopes(model, z, c.steps + 1, label=label_of(c))


def test_one_number_goes_through_the_values_and_all_others_stay(model):
    settings = Changer(model, t=2, i=2)
    state, original = settings.start(), settings.noise(1, 0)
    assert torch.equal(state.trace.z[1, :, 1], VALUES) and VALUES[len(VALUES) // 2] == 0
    other = state.trace.z.clone()
    other[1, :, 1] = original[1, 0, 1]
    assert torch.equal(other, original.expand_as(other))
    own = float(original[1, 0, 1])
    assert state.meant == min(range(len(VALUES)), key=lambda k: abs(float(VALUES[k]) - own))


def test_the_chosen_bar_is_the_mean_slope_of_that_number_and_the_first_choice_is_the_longest(model):
    state = Changer(model).start()
    bars = Effects().columns(state)
    assert len(bars["chosen"]["y1"]) == 1 and len(bars["others"]["y1"]) == model.config.latent - 1
    assert bars["chosen"]["x0"].tolist() == [state.coordinate]
    assert np.allclose(bars["chosen"]["y1"], state.slopes[state.coordinate - 1].abs().mean().item())
    assert bars["chosen"]["y1"][0] >= bars["others"]["y1"].max()


def test_shades_are_dark_where_it_moves_and_where_they_differ(model):
    changed, resampled = Changer(model).start(), Resampler(model, t=1).start()
    slope = changed.slopes.abs() / changed.slopes.abs().max()
    for view, state, want in (
        (moved(model.config), changed, slope[changed.coordinate - 1].mean(0)),
        (differing(model.config), resampled, resampled.apart.mean(0) / 0.5),
    ):
        assert np.abs(view._tile(state)[..., 0] - 255 * (1 - want.numpy())).max() <= 1


# between two


def test_slerp_ends_exactly_keeps_the_length_and_turns_evenly():
    source = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 1, 5, generator=source, dtype=torch.float64) for _ in range(2))
    share = torch.linspace(0, 1, 9, dtype=torch.float64)
    found = latents.slerp(a, b, share)
    assert torch.equal(found[:, :1], a) and torch.equal(found[:, -1:], b)
    length = found.norm(dim=-1)
    assert torch.allclose(length, (1 - share) * a.norm(dim=-1) + share * b.norm(dim=-1))
    cosine = (found * a).sum(-1) / (length * a.norm(dim=-1))
    whole = torch.acos((a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1)))
    assert torch.allclose(cosine, torch.cos(share * whole))
    alike = b / b.norm(dim=-1, keepdim=True) * a.norm(dim=-1, keepdim=True)
    assert torch.allclose(latents.slerp(a, alike, share).norm(dim=-1), a.norm(dim=-1).expand(-1, 9))


@pytest.mark.parametrize("times", [1.0, 2.5, -1.0, -0.5, 0.0])
def test_slerp_takes_the_straight_line_where_there_is_no_arc(times):
    """Float32, as on the page: the two are not parallel to the last bit."""
    a = torch.randn(4, 1, 7, generator=torch.Generator().manual_seed(0))
    share = torch.linspace(0, 1, 5)
    for found in (latents.slerp(a, times * a, share), latents.slerp(times * a, a, 1 - share)):
        assert torch.allclose(found, a * (1 - share + share * times)[:, None], atol=1e-5)


def test_slerp_goes_over_into_the_straight_line_without_a_jump():
    a = torch.tensor([[[3.0, 0.0]]], dtype=torch.float64)
    share = torch.linspace(0, 1, 5, dtype=torch.float64)
    for angle in (2e-3, 1.001e-3, 0.999e-3, 1e-9):
        b = torch.tensor([[[3 * np.cos(angle), 3 * np.sin(angle)]]], dtype=torch.float64)
        want = 3 * torch.stack([torch.cos(share * angle), torch.sin(share * angle)], -1)
        assert torch.allclose(latents.slerp(a, b, share)[0], want, rtol=0, atol=1e-6)


def test_the_ends_of_the_row_are_the_two_images(model):
    """From noise, and as the network itself drew a digit that it read."""
    settings = Interpolator(model, printed(model.config), n=5, a=3, label=1)
    state = settings.start()
    labels = torch.tensor([1]) if model.config.classes else None
    source = torch.Generator().manual_seed(0)
    read = model(printed(model.config)[3:4], labels=labels, generator=source)
    noise = settings.noise(1, 1)
    assert torch.equal(state.trace.z[:, :1], read.z) and torch.equal(state.trace.z[:, -1:], noise)
    assert torch.allclose(state.trace.canvas[:, :1], read.canvas, atol=1e-5)
    assert torch.allclose(state.trace.images[-1, -1:], image(model, noise), atol=1e-6)
    assert not torch.equal(settings.end(-1, 0), settings.end(-1, 1))  # two ends from noise are two images


def test_lengths_are_those_of_all_z_both_ways(model):
    state = Interpolator(model, printed(model.config), n=3, b=7).start()
    a, b = (state.trace.z[:, k].flatten().double() for k in (0, -1))
    assert torch.allclose(state.turned.double(), state.trace.z.double().pow(2).sum((0, 2)).sqrt())
    assert torch.allclose(state.straight.double(), torch.stack([a, (a + b) / 2, b]).norm(dim=1))


# the settings and the tab


def test_what_the_network_has_not_cannot_be_set(model):
    steps, latent = model.config.steps, model.config.latent
    resampler, changer = Resampler(model), Changer(model)
    resampler.t, changer.t, changer.i = steps + 1, steps, latent
    for settings, name, value in ((resampler, "t", steps + 2), (changer, "t", steps + 1), (changer, "i", latent + 1)):
        with pytest.raises(ValueError, match="must be at most"):
            setattr(settings, name, value)


@pytest.mark.parametrize("make", [Resampler, Changer, lambda model: Interpolator(model, printed(model.config))])
def test_a_sheet_begins_finished_and_is_drawn_again(model, make):
    settings = make(model)
    state, shown = settings.start(), []
    for _ in range(REST + model.config.steps + 1):
        shown.append(state.shown)
        state = settings.step(state)
    assert shown == [model.config.steps] * REST + list(range(model.config.steps + 1))
    assert state.t == len(shown)


@pytest.mark.slow
def test_columns_are_those_of_the_layers_before_amid_and_after_the_strokes():
    torch.manual_seed(0)
    model = draw.DRAW(CONFIGS["windows"])
    for kind in EXPERIMENTS.values():
        scene = kind(model)
        try:
            state = scene.settings.start()
            for view, stage in zip(scene.live.views, scene.live.stages, strict=True):
                hv.render(stage.pane.object)
                for stroke in (0, 1, state.steps + 1):
                    columns = view.columns(replace(state, stroke=stroke))
                    stage.patch(columns)
                    for label, arrays in columns.items():
                        for name, values in arrays.items():
                            assert len(stage._sources[label][0].data[name]) == len(values), (view, label, name)
        finally:
            scene.live.close()


def test_the_frame_lies_on_the_image_that_is_meant(model):
    settings = Resampler(model, n=5)
    view = Marked(model.config, 5)
    frame = view.columns(settings.start())["meant"]
    assert 0 < frame["x0"].min() < frame["x0"].max() < model.config.width
    assert -model.config.height < frame["y0"].min() < frame["y0"].max() < 0


def test_a_change_of_setting_shows_its_finished_sheet_at_once_and_declares_no_picture_anew():
    torch.manual_seed(0)
    tab = Latents(draw.DRAW(CONFIGS["windows"]))
    scene = tab.made[tab.experiment]
    try:
        before = scene.live.stages, [stage.pane.object for stage in scene.live.stages]
        scene.settings.t = 4
        state = scene.live.run.past(lambda past: past.states[0])
        assert state.glimpse == 4 and state.shown == 4
        assert (scene.live.stages, [stage.pane.object for stage in scene.live.stages]) == before
    finally:
        scene.live.close()


def test_the_tab_has_the_chosen_experiment_and_makes_each_once():
    torch.manual_seed(0)
    tab = Latents(draw.DRAW(CONFIGS["colour"]))
    try:
        labels, first = {}, {}
        for name in [*EXPERIMENTS, *EXPERIMENTS]:
            tab.experiment = name
            (shown,) = tab.room.objects
            scene = first.setdefault(name, tab.made[name])
            assert type(scene) is EXPERIMENTS[name] and scene.live.player in list(shown)
            controls = [each[0] if isinstance(each, pn.Column) else each for each in tab.controls()[1]]
            labels[name] = [widget.label for widget in controls if hasattr(widget, "label")]
        assert labels["Change one latent"] == ["Glimpse t", "Number i of its z", "Seed"]
        assert labels["Interpolate between two images"][:2] == ["Image A", "Image B"]
    finally:
        for scene in tab.made.values():
            scene.live.close()
