"""What the browser says of a live view."""

import pytest

from labkit.views.remote import Remote


@pytest.mark.parametrize("message", [None, 7, "hello", ["kind", "hello"]])
def test_a_message_that_the_pages_script_does_not_send_is_left_out(message):
    heard = []
    remote = Remote(heard.append)
    remote._handle_msg(message)
    remote._handle_msg({"kind": "hello"})
    assert heard == [{"kind": "hello"}]
