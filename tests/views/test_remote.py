"""Messages from the browser about a live view."""

import pytest

from labkit.views.remote import Remote


@pytest.mark.parametrize("message", [None, 7, "hello", ["kind", "hello"]])
def test_unknown_messages_are_ignored(message):
    heard = []
    remote = Remote(heard.append)
    remote._handle_msg(message)
    remote._handle_msg({"kind": "hello"})
    assert heard == [{"kind": "hello"}]
