"""A fixture for tests of private interfaces: a failure names the function of labkit that must be changed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@pytest.fixture
def relied_on() -> Callable[[str], AbstractContextManager[None]]:
    """`with relied_on(sentence):` fails with the sentence and the reason if anything inside fails."""

    @contextmanager
    def check(sentence: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            pytest.fail(f"{sentence} ({type(error).__name__}: {error})", pytrace=False)

    return check
