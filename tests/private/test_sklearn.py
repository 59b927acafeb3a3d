"""The file of scikit-learn that labkit reads exists and has the numbers of the public function."""

import importlib.util

import numpy as np

from labkit.private import sklearn as private


def test_the_file_of_digits_has_the_numbers_of_the_public_function(relied_on, monkeypatch):
    with relied_on("scikit-learn has moved its digits: labkit.private.sklearn.digits needs the new place"):
        with monkeypatch.context() as only_the_file:
            only_the_file.delattr(private, "_public")
            found = private.digits()
        assert found.shape == (1797, 65) and np.array_equal(found, private._public())


def test_without_the_file_the_public_function_gives_the_digits(monkeypatch):
    found = private.digits()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert np.array_equal(private.digits(), found)
