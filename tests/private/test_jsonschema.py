"""nbformat reads and checks notebooks without the slow check of addresses that jsonschema imports."""

import sys

import pytest

from labkit.private import jsonschema as private


def test_the_grammar_of_addresses_is_not_imported_and_notebooks_are_still_checked(relied_on):
    """In this process, because pytest imported the module before nbformat."""
    import nbformat

    with relied_on("jsonschema has changed: labkit.private.jsonschema must leave out another package"):
        assert private.SLOW not in sys.modules and "jsonschema" in sys.modules
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.validate(book)
    book.cells[0].source = 1
    with pytest.raises(nbformat.ValidationError):
        nbformat.validate(book)


def test_a_package_is_hidden_only_inside_and_only_if_it_is_not_yet_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "json.tool", raising=False)
    with private._without("json.tool"), pytest.raises(ImportError):
        import json.tool
    import json.tool

    with private._without("json.tool"):
        import json.tool as again
    assert again is sys.modules["json.tool"] is json.tool
