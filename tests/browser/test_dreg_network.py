"""The tab *Network* of /dreg in a real browser: it runs, or explains how to make a network."""

import re

import pytest

pytestmark = pytest.mark.browser


def test_the_tab_names_its_images_or_explains_how_to_make_a_network(page, server):
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(f"{server}/dreg?tab=Network")
    told = re.compile("no trained VAE was found|reconstructions from the mean of q")
    page.get_by_text(told).first.wait_for(timeout=15_000)
    assert wrong == []
