"""Files of a visitor: points for *Regression* and *Classification*, and an image for *Read*."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from labkit import draw
from labkit.data import points
from labkit.experiments.svgd import ClassificationSettings, RegressionSettings, classification_data, regression_data
from labkit.views.draw.picture import given
from labkit.views.svgd import classification, regression
from labkit.views.upload import MOST, Upload


def sent(upload, content, name="mine.csv"):
    """What an upload says about a file that a browser sends."""
    said = []
    upload._send_msg = lambda message: said.append(message["text"])
    upload._handle_msg({"kind": "file", "name": name, "content": base64.b64encode(content).decode()})
    return said[0]


# the button


def test_a_file_arrives_with_its_name_and_an_error_becomes_a_sentence():
    def take(name, content):
        if content == b"bad":
            raise ValueError("it is bad")
        return f"{name} {content!r}"

    upload = Upload(take)
    assert sent(upload, b"abc") == "mine.csv b'abc'"
    assert sent(upload, b"bad") == "it is bad"
    assert sent(upload, b"x", "n" * 200).startswith("n" * 57 + "... ")


def test_a_file_that_is_too_large_or_damaged_is_not_read():
    upload = Upload(lambda name, content: pytest.fail("it was read"))
    assert "larger than 1 MB" in upload.read("a", "A" * (2 * MOST))
    assert "arrived damaged" in upload.read("a", "***")


@pytest.mark.parametrize(
    "message", [None, "file", {}, {"kind": "file"}, {"kind": "file", "name": 1, "content": "YQ=="}]
)
def test_other_messages_are_ignored(message):
    upload = Upload(lambda name, content: pytest.fail("it was read"))
    upload._send_msg = lambda message: pytest.fail("it answered")
    upload._handle_msg(message)


# points for a regression


@pytest.mark.parametrize(
    "content",
    [
        b"x,y\n" + b"".join(b"%d,%d.5\n" % (i, i * i) for i in range(9)),
        b"".join(b"%d;%d,5\r\n" % (i, i * i) for i in range(9)),
    ],
    ids=["names and points", "semicolons and decimal commas"],
)  # fmt: skip
def test_two_columns_become_points_of_a_regression(content):
    points = regression_data.given("a.csv", content)
    assert points.x.tolist() == list(range(9)) and points.y.tolist() == [i * i + 0.5 for i in range(9)]
    rows = points.rows(torch.Generator().manual_seed(0))
    assert sorted(rows.x.tolist()) == points.x.tolist() and int(rows.held.sum()) == 3
    (left, right), (low, high) = points.box
    assert left < 0 and right > 8 and low < 0.5 and high > 64.5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a.csv is empty; it needs 2 columns: x and y"),
        (b"1,2,3\n" * 9, "row 1 of a.csv must have 2 columns (x and y), got 3"),
        (b"x,y\n1,2\n", "must have at least 8 points, got 1"),
        (b"x,y\n" + b"1,2\n" * 9, "every x of a.csv is 1; a regression needs different values"),
        (b"x,y\n" + b"".join(b"%d,a\n" % i for i in range(9)), "point 1 of a.csv, column 2, must be a number, got 'a'"),
        (b"".join(b"%d,nan\n" % i for i in range(9)), "must be a number, got 'nan'"),
        (b"".join(b"%d,1e300\n" % i for i in range(9)), "must be a number, got '1e300'"),
        (b"".join(b"%d,%d\n" % (i, i) for i in range(401)), "has 401 points, at most 400 are read"),
        (b"PK\x03\x04" + bytes(90), "is a spreadsheet (xlsx or ods), not a CSV file"),
        (bytes(90), "has bytes that are not text"),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(content, said):
    with pytest.raises(ValueError) as caught:
        regression_data.given("a.csv", content)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_uploaded_file_is_fitted_until_another_set_is_chosen():
    scene = regression.RegressionScene(RegressionSettings(n=3), play=False)
    said = sent(scene.upload(), regression.EXAMPLE.encode())
    assert said == "mine.csv: 12 points, one of four is held out. A link does not keep them."
    first = scene.settings.start()
    assert sorted(first.rows.x.tolist())[:3] == [1, 2, 2.5] and np.isfinite(first.held_out_rmse())
    words = regression.sentence(first, scene.settings.true_noise, scene.settings.true_rmse(first))
    assert "nan" not in words and "The true noise" not in words
    bands = scene.views()[0]
    assert "truth" not in bands.columns(first) and [layer.label for layer in bands.picture(first)].count("truth") == 0
    scene.settings.data = "step"
    assert len(scene.settings.start().rows.x) == 80
    scene.live.close()


# points for a classification


def test_two_features_and_a_label_fill_the_picture():
    points, words = classification_data.given("a.csv", b"u,v,kind\n10,100,cat\n20,300,dog\n15,200,dog\n", 0)
    edge = classification_data.FULL * classification_data.HALF
    assert torch.allclose(points.x, torch.tensor([[-edge, -edge], [edge, edge], [0, 0]], dtype=torch.float64))
    assert points.y.tolist() == [False, True, True] and int(points.held(0.34).sum()) == 2
    assert words.startswith("a.csv: 3 points; class 0 is cat (1), class 1 is dog (2).")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1,2\n3,4\n", "row 1 of a.csv must have 3 columns (two features and a label), got 2"),
        (b"1,2,a\n3,4,a\n", "must have two labels, got 1 (a)"),
        (b"1,2,a\n3,4,b\n5,6,c\n", "must have two labels, got 3 (a, b, c)"),
        (b"1,2,a\n1,4,b\n", "a feature of a.csv has the same value in every row"),
        (b"1,2,a\nx,4,b\n", "point 2 of a.csv, column 1, must be a number, got 'x'"),
    ],
)
def test_a_wrong_table_of_classes_is_refused(content, said):
    with pytest.raises(ValueError) as caught:
        classification_data.given("a.csv", content, 0)
    assert said in str(caught.value)


def test_an_uploaded_file_is_classified_until_other_points_are_chosen():
    scene = classification.ClassificationScene(ClassificationSettings(n=3), play=False)
    assert sent(scene.upload(), classification.EXAMPLE.encode()).startswith("mine.csv: 8 points")
    assert len(scene.settings.start().data.x) == 8
    scene.settings.seed = 3
    assert len(scene.settings.start().data.x) == 120
    scene.live.close()


# an image to read


def drawing(ink=0, paper=255, at=(60, 90), size=(300, 200), mode="L"):
    image = Image.new(mode, size, paper)
    ImageDraw.Draw(image).line([at, (at[0], at[1] + 60)], fill=ink, width=8)
    return image


def content_of(image, **options):
    file = io.BytesIO()
    image.save(file, **{"format": "PNG"} | options)
    return file.getvalue()


@pytest.mark.parametrize("ink, paper", [(0, 255), (255, 0), (60, 200)])
def test_a_drawing_on_any_paper_is_scaled_and_centred(ink, paper):
    """A vertical line becomes 20 pixels long, as MNIST's digits are, in the middle of the image."""
    image, words = given("a.png", content_of(drawing(ink, paper)), draw.Config())
    assert image.shape == (1, 28, 28) and float(image.max()) == 1 and float(image.min()) == 0
    rows, columns = (image[0].amax(axis).gt(0.3).nonzero()[:, 0] for axis in (1, 0))
    assert abs(len(rows) - 20) <= 1 and abs(float(rows.double().mean()) - 13.5) <= 1
    assert abs(float(columns.double().mean()) - 13.5) <= 1
    where = "black" if paper < 128 else "white"
    assert words == f"a.png, 300 x 200 pixels: ink on {where} paper, scaled and centred as in MNIST."


def test_a_transparent_sheet_counts_as_white_paper():
    image = drawing((0, 0, 0, 255), (0, 0, 0, 0), mode="RGBA")
    assert "ink on white paper" in given("a.png", content_of(image), draw.Config())[1]


def test_a_network_of_colour_images_reads_the_centre_of_the_picture():
    picture = np.zeros((40, 120, 3), np.uint8)
    picture[:, 40:80] = (255, 128, 0)
    config = draw.Config(channels=3, height=16, width=16)
    image, words = given("a.png", content_of(Image.fromarray(picture)), config)
    assert image.shape == (3, 16, 16) and torch.allclose(image[:, 8, 8], torch.tensor([1, 128 / 255, 0]))
    assert words == "a.png, 120 x 40 pixels: its centre was resized to 16 x 16."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not an image", "a.png is not a PNG, JPEG, GIF, BMP or WebP image"),
        (content_of(drawing())[:200], "a.png cannot be read"),
        (content_of(Image.new("L", (2001, 2000))), "2,001 x 2,000 pixels, at most 4,000,000 in all are read"),
        (content_of(Image.new("L", (50, 50), 90)), "a.png has no ink"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_be_read_is_refused_in_one_sentence(content, said):
    with pytest.raises(ValueError) as caught:
        given("a.png", content, draw.Config())
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_separator_that_gives_the_wanted_columns_is_used_first():
    assert points.from_text("a.csv", b"1,5;2,5\n", 2, "x and y") == [["1.5", "2.5"]]
    assert points.from_text("a.csv", b"x.1;y\n1,5;2,5\n", 2, "x and y") == [["1.5", "2.5"]]


def test_a_very_long_line_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="field larger than field limit"):
        points.from_text("a.csv", b"{" * 200_000, 2, "x and y")


def test_an_error_while_a_file_is_read_becomes_a_sentence():
    upload = Upload(lambda name, content: 1 // 0)
    assert upload.read("mine.csv", base64.b64encode(b"1,2").decode()) == "mine.csv cannot be read; choose another file"


def test_a_picture_with_damaged_facts_of_its_camera_is_refused():
    file = io.BytesIO()
    Image.new("L", (40, 40), 255).save(file, "PNG", exif=b"Exif\0\0broken")
    with pytest.raises(ValueError, match="mine.png cannot be read"):
        given("mine.png", file.getvalue(), draw.Config())
