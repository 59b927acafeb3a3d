"""The pictures of DRAW: positions in a mosaic, and columns that match the layers of each view."""

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch
from PIL import Image

from labkit import data, draw, models
from labkit.data import AlteredError
from labkit.draw import Window
from labkit.engine import Past
from labkit.experiments.draw import images
from labkit.experiments.draw.generate import GenerateSettings
from labkit.experiments.draw.read import ReadSettings
from labkit.views import save
from labkit.views.draw import AttentionScene, CanvasStrip, GenerateScene, ReadScene, mosaic
from labkit.views.draw.pad import Pad, centred


@pytest.fixture
def model(draw_of_a_shape):
    return draw_of_a_shape


# the mosaic


def test_every_image_lies_at_its_place_in_the_mosaic():
    images = np.random.default_rng(0).random((7, 1, 4, 6))
    rgb = mosaic.tiles(images, 3, ground=9)
    assert rgb.shape == (3 * (4 + mosaic.GAP) - mosaic.GAP, 3 * (6 + mosaic.GAP) - mosaic.GAP, 3)
    for i, image in enumerate(images):
        left, top = mosaic.corner(i, 3, 4, 6)
        part = rgb[top : top + 4, left : left + 6]
        assert np.array_equal(part[..., 0], (255 * (1 - image[0])).astype(np.uint8))  # ink is dark
    assert (rgb[4 : 4 + mosaic.GAP] == 9).all() and (rgb[-4:, 2 * (6 + mosaic.GAP) :] == 9).all()


def test_colours_are_kept_and_not_read_as_ink():
    rgb = mosaic.tiles(np.ones((1, 3, 2, 2)) * np.array([1.0, 0.5, 0.0])[None, :, None, None], 1)
    assert rgb[0, 0].tolist() == [255, 127, 0]


def test_packed_images_equal_those_that_holoviews_sends():
    rgb = np.random.default_rng(0).integers(0, 255, (5, 4, 3)).astype(np.uint8)
    source = hv.render(hv.Overlay([mosaic.picture(rgb, "x")])).renderers[0].data_source
    assert np.array_equal(source.data["image"][0], mosaic.packed(rgb))


def test_the_outline_of_a_window_is_the_reach_of_its_filters_within_the_image():
    """Centre (3, 4), four filters 1.5 apart: 4 * 1.5 / 2 = 3 to each side of a pixel's middle, cut at the image."""
    window = Window(*(torch.tensor([v]) for v in (3.0, 4.0, 1.5, 0.5, 1.0)))
    box = mosaic.boxes(window, 4, (np.array([100]), np.array([50])), 28, 28)
    assert sorted(set(box["x0"])) == [100 + 1.5, 100 + 7.5] and sorted(set(box["y0"])) == [-50 - 6.5, -50 - 0.5]
    outside = mosaic.boxes(window._replace(center_x=torch.tensor([40.0])), 4, (np.zeros(1), np.zeros(1)), 28, 28)
    assert set(outside["x0"]) == {28 - mosaic.INSET}


def test_narrow_filters_have_thick_lines():
    place = (np.zeros(2), np.zeros(2))
    window = Window(*(torch.tensor(v) for v in ([5.0, 5.0], [5.0, 5.0], [1.0, 1.0], [0.5, 2.0], [1.0, 1.0])))
    width = mosaic.boxes(window, 3, place, 28, 28)["line_width"]
    assert width[0] > width[1] > 0


# the views


@pytest.mark.slow
@pytest.mark.parametrize("kind", [GenerateScene, ReadScene, AttentionScene])
def test_columns_match_the_layers_before_during_and_after_the_strokes(model, kind, without_pictures, stood):
    scene = kind(model)
    try:
        state, views = scene.settings.start(), scene.views()
        stages = [stood(view, state) for view in views]
        for strokes in (0, 1, model.config.steps + 1):
            for _ in range(strokes):
                state = scene.settings.step(state)
            for view, stage in zip(views, stages, strict=True):
                columns = view.columns(state)
                stage.patch(columns)
                for label, arrays in columns.items():
                    for name, values in arrays.items():
                        assert len(stage._sources[label][0].data[name]) == len(values), (view, label, name)
    finally:
        scene.live.close()


def test_the_film_shows_every_canvas_in_turn(model):
    state = GenerateSettings(model, n=2).start()
    view = CanvasStrip(model.config)
    got = view._tiles(state)
    for t in range(state.steps + 1):
        left, top = mosaic.corner(t, view.across, model.config.height, model.config.width)
        want = mosaic.tiles(state.canvas(t)[:1].numpy(), 1)
        assert np.array_equal(got[top : top + model.config.height, left : left + model.config.width], want)


def test_the_film_is_drawn_once_for_all_strokes_and_again_for_the_next_sheet(model):
    """64 strokes of a large network would otherwise cost milliseconds at every frame."""
    settings = GenerateSettings(model, n=2)
    view, state = CanvasStrip(model.config), settings.start()
    first, second = view.columns(state), view.columns(settings.step(state))
    assert first["strip"]["image"] is second["strip"]["image"] and first["now"]["x0"][0] != second["now"]["x0"][0]
    new = view.columns(settings.sheet(1))["strip"]["image"][0]
    assert np.array_equal(new, mosaic.packed(view._tiles(settings.sheet(1))))
    assert not np.array_equal(new, first["strip"]["image"][0])


def test_pictures_of_reading_can_hide_the_glimpses_to_come(made_networks):
    scene = ReadScene(ReadSettings(made_networks.network(made_networks.SHAPES["windows"]), ahead=False))
    try:
        first = scene.settings.start()
        state = scene.settings.step(first)
        _, bars, curves, strip = scene.views()
        come, so_far = (bars.columns(state)[name]["y1"] for name in ("to come", "so far"))
        kl = state.trace.kl[:, 0].numpy(force=True)
        assert not come.any() and so_far.tolist() == [kl[0], *[0] * (len(kl) - 1)]
        assert f"the largest is {kl[0]:.2f} at glimpse 1; {kl[0]:.1f} nats so far" in bars.describe(state)
        assert np.isfinite(curves.columns(state)["bound"]["y"]).tolist() == [True] + [False] * (len(kl) - 1)
        assert bars.missing(first, 0) and curves.missing(first, 0)
        h, w = scene.settings.model.config.height, scene.settings.model.config.width
        for t in range(state.steps + 1):
            left, top = mosaic.corner(t, strip.across, h, w)
            assert (strip._tiles(state)[top : top + h, left : left + w] == 255).all() == (t > 1)
        windows = [view.columns(state)["written"]["x0"] for view in (strip, CanvasStrip(strip.config))]
        assert len(windows[1]) == state.steps * len(windows[0])
    finally:
        scene.live.close()


def test_a_change_of_setting_restarts_the_run(model):
    scene = GenerateScene(model)
    try:
        scene.settings.n = 9
        assert scene.live.run.past(lambda past: past.states[0].trace.z.shape[1]) == 9
    finally:
        scene.live.close()


# the pad


def test_drawn_ink_is_scaled_and_centred_by_its_mass():
    ink = np.zeros((28, 28), np.float32)
    ink[2:12, 1:4] = 1.0  # 10 high, 3 wide, in a corner
    got = centred(ink)
    rows, columns = np.flatnonzero(got.max(1)), np.flatnonzero(got.max(0))
    assert len(rows) == 20 and len(columns) == 6
    place = [(got.sum(1 - axis) * (np.arange(28) + 0.5)).sum() / got.sum() for axis in (0, 1)]
    assert np.abs(np.array(place) - 14).max() <= 0.5


WRONG_PIXELS = [["1"] * 784, [[1]] * 784, [float("nan")] * 784, [10**400] * 784, [None] * 784, [1]]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "drawn"},
        {"kind": "x"},
        {"kind": []},
        None,
        7,
        *({"kind": "drawn", "pixels": p} for p in WRONG_PIXELS),
    ],
    ids=lambda message: str(message)[:30],
)
def test_the_pad_ignores_invalid_drawings(message):
    heard = []
    Pad(heard.append)._handle_msg(message)
    assert heard == []


def test_the_pad_gives_an_image_of_the_network():
    heard = []
    pixels = np.zeros((28, 28))
    pixels[5:20, 10:12] = 255
    Pad(heard.append)._handle_msg({"kind": "drawn", "pixels": pixels.ravel().tolist()})
    assert heard[0].shape == (1, 28, 28) and heard[0].dtype == torch.float32 and 0 <= heard[0].min() <= heard[0].max()
    Pad(heard.append)._handle_msg({"kind": "drawn", "pixels": [0] * 784})
    assert len(heard) == 1  # an empty square contains nothing to read


def test_the_pad_knows_whether_a_line_is_finished():
    pad, heard = Pad(lambda image: heard.append(pad.moving)), []
    for moving in ({"moving": True}, {"moving": False}, {}, {"moving": "yes"}):
        pad._handle_msg({"kind": "drawn", "pixels": [255] * 784} | moving)
    assert heard == [True, False, False, False]


def test_during_a_line_the_whole_reading_is_shown_at_once(model):
    """Afterwards it starts with the first glimpse. A server that cannot keep up skips drawings of unfinished lines."""
    c = model.config
    lines = [torch.full((c.channels, c.height, c.width), ink) for ink in (0.2, 0.5, 0.8)]
    scene = ReadScene(ReadSettings(model), play=False)
    scene.live.run.speed = 1e-9  # it stays where it is
    try:
        seen = []
        for line, moving, free in zip(lines, (True, True, False), (0.0, float("inf"), float("inf")), strict=True):
            scene._free = free
            scene.follow(line, moving)
            seen.append(scene.live.run.past(lambda past: past.states[-1]))
        assert torch.equal(seen[0].image[0], lines[0]) and seen[0].shown == c.steps
        assert seen[1].trace is seen[0].trace
        assert torch.equal(seen[2].image[0], lines[2]) and seen[2].shown <= 1
    finally:
        scene.live.close()


def test_a_network_of_many_strokes_plays_faster():
    """Ten strokes last about a second, 64 about five. The slider has the speed and slower and faster ones."""
    for steps, speed in ((10, 8), (64, 12), (400, 30)):
        config = draw.Config(height=8, width=8, steps=steps, hidden=4, latent=2)
        scene = GenerateScene(GenerateSettings(draw.DRAW(config).eval(), n=1), play=False)
        assert scene.live.run.speed == speed == scene.live.bar.speed.value
        assert {10, 30} < {*scene.live.bar.speed.options}
        scene.live.close()


# test images, downloads


def test_a_test_image_is_read_and_its_class_is_shown():
    torch.manual_seed(0)
    scene = ReadScene(draw.DRAW(draw.Config(height=8, width=8, steps=2, hidden=4, latent=2, classes=10)).eval())
    said = pn.pane.HTML("")
    scene._read_random("digits", said)
    assert scene.settings.label == int(said.object[-1])
    assert scene.settings.start().image.max() <= 1 and "test image" in said.object
    scene.live.close()


def test_a_changed_data_file_is_reported_and_the_image_stays(monkeypatch, made_networks):
    def fail(name, split):
        raise AlteredError(f"{name}/<b>: expected one, found another")

    monkeypatch.setattr(data, "load", fail)
    images._test_set.cache_clear()
    scene, said = ReadScene(draw.DRAW(made_networks.SHAPES["windows"]).eval()), pn.pane.HTML("")
    before = scene.settings.image
    scene._read_random("mnist", said)
    assert said.object == "mnist/&lt;b&gt;: expected one, found another" and scene.settings.image is before
    scene.live.close()


def test_a_saved_sheet_has_square_pixels(tmp_path):
    """A mosaic of 2 x 2 square images is a square in a wide picture; empty canvases are grey."""
    model = draw.DRAW(draw.Config(height=8, width=8, steps=2, hidden=4, latent=2, read=2, write=2)).eval()
    settings = GenerateSettings(model, n=4)
    view, past = GenerateScene(model).live.views[0], Past(None)
    past.add(settings.start())
    save.png([type(view)(model.config, 4)], past, 0, tmp_path / "sheet.png", size=(600, 330))
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    grey = (abs(pixels - 127).max(-1) <= 1).nonzero()
    assert abs(np.ptp(grey[0]) - np.ptp(grey[1])) <= 2 and np.ptp(grey[0]) > 200


def test_a_scene_accepts_settings_or_a_network_with_values(made_networks):
    model = draw.DRAW(made_networks.SHAPES["windows"]).eval()
    settings = GenerateSettings(model, n=3)
    scenes = GenerateScene(settings), GenerateScene(model, n=3)
    assert scenes[0].settings is settings and (scenes[1].settings.model, scenes[1].settings.n) == (model, 3)
    for scene in scenes:
        scene.live.close()


def test_the_tooltip_of_the_network_describes_every_shipped_network(made_networks):
    scene = GenerateScene(draw.DRAW(made_networks.SHAPES["windows"]).eval())
    told = scene.live.remote.tips["Network"].lower()
    scene.live.close()
    names = [name for name in models.shipped() if models.card(name)["kind"] == "draw"]
    assert "draw-small" in names and all(f"{name}:" in told for name in names)
