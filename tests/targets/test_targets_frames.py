"""Data frames and series work where arrays do; no message prints a whole table."""

import numpy as np
import pandas as pd
import pytest
import torch

from labkit import svgd
from labkit.targets import LogisticRegression, Mixture, NeuralRegression, Normal

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(40, 3)), (RANDOM.random(40) > 0.5).astype(int)
ROWS = pd.RangeIndex(100, 140)  # labels that differ from positions
FRAME, LABELS = pd.DataFrame(X, ROWS, ["age", "size", "dose"]), pd.Series(Y, ROWS)


def same(one, other):
    x = torch.from_numpy(RANDOM.normal(size=(5, one.dim)))
    return torch.equal(one.score(x), other.score(x))


def test_a_frame_gives_the_posterior_of_its_array_and_its_names():
    found = LogisticRegression(FRAME, LABELS)
    assert same(found, LogisticRegression(X, Y)) and found.labels[:3] == ("age", "size", "dose")
    assert LogisticRegression(FRAME, LABELS, features=["a", "b", "c"]).labels[:3] == ("a", "b", "c")


def test_a_frame_of_mixed_and_nullable_numbers_is_accepted():
    frame = FRAME.assign(age=range(40), dose=pd.array(np.arange(40) % 5, dtype="Int64"))
    assert same(LogisticRegression(frame, LABELS), LogisticRegression(frame.to_numpy(float), Y))


def test_all_targets_of_tables_and_the_originals_class_accept_series():
    held = pd.Series([3, 7], index=[50, 60])
    one, other = NeuralRegression(FRAME, FRAME["size"], held), NeuralRegression(X, X[:, 1], [3, 7])
    assert same(one, other)
    assert same(Normal(pd.Series([1.0, 2.0]), pd.DataFrame(np.eye(2))), Normal([1.0, 2.0], np.eye(2)))
    assert same(Mixture(pd.Series([-1.0, 1.0])), Mixture([-1.0, 1.0]))
    runs = [svgd.SVGD().update(x, lambda x: -x, n_iter=3) for x in (FRAME, X)]
    assert isinstance(runs[0], np.ndarray) and np.array_equal(*runs)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (FRAME.assign(dose="high"), r"DataFrame of shape \[40, 3\]; could not convert string to float: 'high'"),
        (np.where(X > 1, np.nan, X), r"ndarray of shape \[40, 3\] with \d+ that are not; replace NaN"),
        (torch.full((40, 3), torch.inf), r"Tensor of shape \[40, 3\] with 120 that are not"),
        ([[1.0]] * 39 + [[1.0, 2.0]], "list of length 40"),
        (FRAME.astype("Float64").mask(FRAME > 1), "DataFrame of shape|float"),
    ],
)
def test_a_message_gives_the_shape_of_a_table_not_its_numbers(x, words):
    with pytest.raises(ValueError, match=words) as caught:
        LogisticRegression(x, LABELS)
    assert len(str(caught.value)) < 250 and "\n" not in str(caught.value)
