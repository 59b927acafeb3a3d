"""Old names of moved objects."""

import collections
import subprocess
import sys
from types import ModuleType

import pytest

from labkit.deprecation import moved


@pytest.fixture
def old():
    """A module whose name `Pairs` moved."""
    module = ModuleType("old_home")
    module.__getattr__ = moved("old_home", {"Pairs": "collections:Counter"})
    return module


def test_an_old_name_returns_the_moved_object_and_warns_with_the_new_path(old):
    with pytest.warns(DeprecationWarning, match=r"old_home\.Pairs is now collections\.Counter"):
        assert old.Pairs is collections.Counter


def test_an_unknown_name_is_an_attribute_error(old):
    with pytest.raises(AttributeError, match="module 'old_home' has no attribute 'Other'"):
        _ = old.Other


def test_the_warning_shows_the_line_that_imports_the_old_name_of_a_package(tmp_path):
    """In a separate process, because the test run wraps every function of labkit, which adds a frame."""
    (tmp_path / "old_home").mkdir()
    text = "from labkit.deprecation import moved\n__getattr__ = moved(__name__, {'Pairs': 'collections:Counter'})"
    (tmp_path / "old_home" / "__init__.py").write_text(text)
    script = tmp_path / "script.py"
    script.write_text("from old_home import Pairs\nprint(Pairs.__name__)")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Counter"
    assert done.stderr.count("DeprecationWarning") == 1 and f"{script}:1: " in done.stderr
