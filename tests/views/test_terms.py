"""Terms on a page are explained by the glossary of the guide."""

import re

import pytest

from labkit.views import terms


def test_every_explained_term_has_a_line_and_a_place_in_the_glossary():
    found = {each["term"]: each for each in terms.explained()}
    assert set(found) == set(terms.MET)
    assert found["KSD"]["place"] == "glossary#svgd" and found["KSD"]["text"].startswith("Kernel Stein discrepancy")
    assert all(len(each["text"]) > 20 for each in found.values())


def test_patterns_find_terms_in_titles_and_labels():
    named = {
        "KSD (Gaussian, h of step 0)": "KSD", "Kernel bandwidth": "bandwidth, h",
        "Bound if stopped at t": "bound", "KL of each glimpse": "glimpse", "SNR of the encoder's gradient": "SNR",
        "Estimators": "estimator", "Variance of the encoder's gradient": "variance of the gradient",
        "Log-likelihood nats per point": "nats",
    }  # fmt: skip
    for text, term in named.items():
        assert next(each["term"] for each in terms.explained() if re.search(each["pattern"], text)) == term
    assert not any(re.search(each["pattern"], "Probability of each class") for each in terms.explained())


def test_every_choice_of_the_named_lists_has_a_line_and_a_place_in_the_guide():
    said = {(each["labels"], each["term"]): each for each in terms.choices()}
    listed = {(labels, title) for labels, names in terms.CHOICES.values() for title in names.values()}
    assert listed - set(said) == {(r"^Bandwidth rule$", "Fixed")}  # its line is below the table
    assert said[r"^Kernel k$", "Inverse multiquadric (imq)"]["place"] == "svgd-names#kernels"
    assert said[r"^(Estimator|Compare .* with)$", "STL (sticking the landing)"]["place"] == "estimators"
    assert not any("`" in each["text"] or "](" in each["text"] for each in said.values())


def test_a_term_without_a_line_is_an_error(monkeypatch):
    terms.explained.cache_clear()
    monkeypatch.setitem(terms.MET, "no such term", "x")
    with pytest.raises(LookupError, match="no such term"):
        terms.explained()
    terms.explained.cache_clear()
