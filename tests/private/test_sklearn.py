"""The files of scikit-learn that labkit reads exists and have the numbers of the public functions."""

import numpy as np
import pytest

from labkit.private import sklearn as private


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_a_file_has_the_numbers_of_the_public_function(name, relied_on, monkeypatch):
    with relied_on(f"scikit-learn has moved its {name}: labkit.private.sklearn needs the new place"):
        with monkeypatch.context() as only_the_file:
            only_the_file.delattr(private, "_public")
            found = table(name)
        assert np.array_equal(found, private._public(name))


def test_the_features_of_breast_cancer_have_their_public_names(relied_on):
    from sklearn.datasets import load_breast_cancer

    with relied_on("scikit-learn has renamed features: labkit.private.sklearn.MEASURED needs the new names"):
        assert private.breast_cancer()[2] == tuple(load_breast_cancer().feature_names)


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_without_the_file_the_public_function_gives_the_numbers(name, monkeypatch):
    found = table(name)
    monkeypatch.setattr(private, "_file", lambda name: None)
    assert table(name).dtype == found.dtype and np.array_equal(table(name), found)


def table(name):
    found = getattr(private, name)()
    return found if name == "digits" else np.column_stack(found[:2])
