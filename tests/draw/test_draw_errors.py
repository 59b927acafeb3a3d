"""An error for wrong input gives what was expected, the value, and what to do, where the input enters."""

import re

import pytest
import torch

from labkit import draw
from labkit.draw import attention

SIZE = {"height": 8, "width": 6, "steps": 2, "hidden": 4, "latent": 3, "read": 2, "write": 3}
X = torch.rand(4, 1, 8, 6, generator=torch.Generator().manual_seed(0))
PASSES = {
    "forward": lambda model, x, labels=None: model(x, labels=labels),
    "losses": lambda model, x, labels=None: model.losses(x, labels=labels),
    "steps": lambda model, x, labels=None: model.steps(x, labels, None),
    "log_likelihood": lambda model, x, labels=None: draw.log_likelihood(model, x, 1, labels=labels),
}
WAYS = PASSES | {"generate": lambda model, x, labels=None: model.generate(len(x), labels=labels)}


@pytest.fixture
def model():
    return draw.DRAW(draw.Config(**SIZE))


@pytest.fixture
def labelled():
    return draw.DRAW(draw.Config(**SIZE, classes=10))


@pytest.fixture(params=PASSES)
def look(request):
    """Every way to give images to a network."""
    return PASSES[request.param]


@pytest.fixture(params=WAYS)
def way(request):
    """Every way to run a network with labels."""
    return WAYS[request.param]


@pytest.fixture
def refused():
    """refused(message, error): a block that must raise exactly this error."""
    return lambda message, error=ValueError: pytest.raises(error, match=f"^{re.escape(message)}$")


# images


@pytest.mark.parametrize("shape", [(4, 1, 8, 8), (4, 1, 6, 8), (4, 3, 8, 6), (0, 1, 8, 6)])
def test_images_of_a_wrong_size_are_rejected(model, look, refused, shape):
    with refused(
        f"images must be (batch, 1, 8, 6) for this network, got {shape}; resize or choose another",
    ):
        look(model, torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 8, 6), (8, 6), (2, 4, 1, 8, 6)])
def test_images_with_too_few_or_too_many_axes_are_rejected(model, refused, shape):
    """This calls `steps`, because in test runs jaxtyping checks the shapes of `forward` before it."""
    with refused(f"images must be (batch, 1, 8, 6) for this network, got {shape}; resize or choose another"):
        model.steps(torch.zeros(shape), None, None)


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float64, torch.bfloat16, torch.int64, torch.bool])
@pytest.mark.parametrize("name", ["losses", "steps", "log_likelihood"])
def test_images_of_a_wrong_dtype_are_rejected_with_correct_advice(model, name, dtype, scale):
    """The advice gives the same images: it divides by 255 only if the pixels are that large."""
    images = (X > 0.5) * scale  # every dtype can hold black and white exactly
    x = images.to(dtype)
    with pytest.raises(TypeError) as caught:
        PASSES[name](model, x)
    said, advice = str(caught.value).split("; use ")
    assert said == f"images must be torch.float32 like the network, got {dtype}"
    assert torch.equal(eval(advice, {"torch": torch, "x": x}), (X > 0.5).float())


@pytest.mark.parametrize(
    ("value", "got"), [(255.0, "0.01 to 255"), (-0.5, "-0.5 to 0.99"), (float("nan"), "nan to nan")]
)
def test_pixels_outside_zero_to_one_are_rejected(model, refused, value, got):
    x = X.clamp(0.01, 0.99)
    x[2, 0, 3, 1], x[0, 0, 0, 0], x[0, 0, 0, 1] = value, 0.01, 0.99
    for way in (model, lambda x: draw.log_likelihood(model, x, 2)):
        with refused(f"pixels must be in [0, 1] without NaN, got {got}; divide pixels of 0 to 255 by 255"):
            way(x)


def test_black_white_and_grey_are_accepted(model):
    for x in (torch.zeros_like(X), torch.ones_like(X), X):
        assert model(x).bound.isfinite().all()


# labels


def test_a_network_without_classes_rejects_labels(model, way, refused):
    with refused("this network has no classes, got labels; leave them out, or train one with classes"):
        way(model, X, torch.zeros(4, dtype=torch.long))


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (None, "None"),
        (torch.zeros(3, dtype=torch.long), "torch.int64 (3,)"),
        (torch.zeros(4, 1, dtype=torch.long), "torch.int64 (4, 1)"),
        (torch.zeros(4), "torch.float32 (4,)"),
    ],
)
def test_missing_labels_and_labels_of_another_dtype_are_rejected(labelled, refused, labels, got):
    for name in ("forward", "losses", "generate"):
        with refused(f"labels must be 4 whole numbers below 10, got {got}; give one per image"):
            WAYS[name](labelled, X, labels)


@pytest.mark.parametrize(("labels", "got"), [([0, 3, 10, 2], "0 to 10"), ([-1, 3, 9, 2], "-1 to 9")])
def test_labels_out_of_range_are_rejected(labelled, way, refused, labels, got):
    with refused(f"labels must be from 0 to 9, got {got}"):
        way(labelled, X, torch.tensor(labels))


# sampling from the prior


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_image_is_rejected(model, refused, n):
    with refused(f"n must be >= 1, got {n}; it is the number of images"):
        model.generate(n)


@pytest.mark.parametrize("temperature", [-1, -0.1, float("nan"), float("inf")])
def test_a_negative_or_infinite_temperature_is_rejected(model, refused, temperature):
    with refused(f"temperature must be finite and >= 0, got {temperature}; 1 is the prior"):
        model.generate(2, temperature=temperature)


@pytest.mark.parametrize("shape", [(2, 5, 2), (3, 5, 3), (2, 4, 3), (5, 3)])
def test_z_of_a_wrong_shape_is_rejected(model, refused, shape):
    with refused(f"z must be (steps, n, latent) = (2, 5, 3), got {shape}; change n or z"):
        model.generate(5, z=torch.zeros(shape))


@pytest.mark.parametrize("samples", [0, -3])
def test_fewer_than_one_sample_is_rejected(model, refused, samples):
    with refused(f"samples must be >= 1, got {samples}; more samples give a tighter estimate"):
        draw.log_likelihood(model, X, samples)


# sizes of a network


@pytest.mark.parametrize("name", ["channels", "height", "width", "steps", "hidden", "latent"])
@pytest.mark.parametrize("value", [0, -1, True])
def test_a_size_below_one_is_rejected(refused, name, value):
    with refused(f"{name} must be a whole number >= 1, got {value}"):
        draw.Config(**SIZE | {name: value})


@pytest.mark.parametrize("name", ["read", "write"])
@pytest.mark.parametrize("n", [0, -2, 7, 28])
def test_a_window_larger_than_the_image_is_rejected(refused, name, n):
    wanted = f"{name}: a window on 8x6 pixels needs 1 to 6 filters, got {n}; use None to attend to the whole image"
    with refused(wanted):
        draw.Config(**SIZE | {name: n})
    draw.Config(**SIZE | {name: 6})


@pytest.mark.parametrize("n", [0, 7])
def test_a_filterbank_larger_than_the_image_is_rejected(refused, n):
    window = attention.window(torch.zeros(2, 5), 2, 8, 6)
    with refused(f"a window on 8x6 pixels needs 1 to 6 filters, got {n}"):
        attention.filterbank(window, n, 8, 6)


def test_a_negative_number_of_classes_and_an_unknown_canvas_are_rejected(refused):
    for wrong in (-1, True):  # in test runs jaxtyping rejects 2.5
        with refused(f"classes must be a whole number >= 0, got {wrong}; 0 means no labels"):
            draw.Config(classes=wrong)
    with refused(
        "read: a window on 28x28 pixels needs 1 to 28 filters, got True; use None to attend to the whole image"
    ):
        draw.Config(read=True)
    with refused("canvas must be one of zero, learned, data, got 'white'"):
        draw.Config(canvas="white")


def test_an_unknown_preset_raises_an_error_with_the_known_ones(refused):
    with refused(f"preset must be one of {', '.join(draw.PRESETS)}, got 'mnits'"):
        draw.preset("mnits")
    assert all(draw.preset(name) is config for name, config in draw.PRESETS.items())


def test_begin_at_needs_a_data_canvas_and_images_of_its_size(model, refused):
    with refused('begin_at needs a network with canvas="data", this one has "zero"; set canvas="data" in its Config'):
        model.begin_at(X)
    other = draw.DRAW(draw.Config(**SIZE, canvas="data"))
    wanted = re.escape("images must be (batch, 1, 8, 6) in [0, 1], got ") + r"\(\d, .*\) of mean "
    for images in (X[:, :, :1, :1], X.squeeze(1)[..., :5], X[..., :5], 255 * X, X[:0], float("nan") * X):
        with pytest.raises(ValueError, match=wanted):
            other.begin_at(images)
    assert not other.canvas.any()


# the classifier


@pytest.mark.parametrize("shape", [(2, 1, 9, 12), (0, 1, 12, 9), (2, 1, 28, 28)])
def test_a_classifier_rejects_images_of_another_size(refused, shape):
    with refused(f"images must be (batch, 1, 12, 12), got {shape}; resize them"):
        draw.Classifier(12, hidden=4, read=3)(torch.zeros(shape))


def test_a_classifier_rejects_wrong_sizes(refused):
    with refused("a window on 8x8 pixels needs 1 to 8 filters, got 9"):
        draw.Classifier(8, read=9)
    with refused("steps, hidden and classes must all be >= 1, got 2, 0 and 10"):
        draw.Classifier(12, steps=2, hidden=0)
