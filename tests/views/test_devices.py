"""States that a device computed are kept in main memory, and each page uses the device of the command line."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from labkit.experiments.devices import kept, moved, noise
from labkit.serving import devices, pages, studio


class Pair(NamedTuple):
    x: Tensor
    y: Tensor | None


@dataclass(frozen=True)
class State:
    pair: Pair
    rows: tuple[Tensor, ...]
    name: str
    t: int = 0


def test_every_tensor_of_a_state_is_moved_and_the_rest_is_unchanged():
    """The device "meta" holds only shapes and exists on every machine."""
    state = State(Pair(torch.ones(2), None), (torch.ones(3, dtype=torch.float64),), "a", 5)
    away = moved(state, "meta")
    assert isinstance(away, State) and isinstance(away.pair, Pair)
    assert [each.device.type for each in (away.pair.x, *away.rows)] == ["meta", "meta"]
    assert (away.pair.y, away.name, away.t, away.rows[0].dtype) == (None, "a", 5, torch.float64)
    assert kept(state).pair.x is state.pair.x and state.pair.x.device.type == "cpu"


def test_a_seed_gives_the_same_noise_again():
    one, other = (torch.randn(3, generator=noise(7, "cpu")) for _ in range(2))
    assert torch.equal(one, other) and not torch.equal(one, torch.randn(3, generator=noise(8, "cpu")))


@pytest.fixture
def asked(monkeypatch):
    """page name -> its module; its server was given a device that no machine has."""
    monkeypatch.setattr(devices, "choose", lambda _: "cuda:7")
    return {page.name: pages.load(page) for page in pages.listing()}


@pytest.mark.slow
def test_the_draw_page_uses_the_device_of_the_command_line_for_its_networks(asked, monkeypatch):
    seen = []
    monkeypatch.setattr(nn.Module, "to", lambda self, device: seen.append(device) or self)
    studio.live(asked["draw"].TABS, "draw", "draw-small")
    assert seen == ["cuda:7"]


@pytest.mark.slow
def test_the_dreg_page_gives_each_tab_the_device_of_the_command_line(asked):
    assert {tab.settings().device for tab in asked["dreg"].TABS} == {"cuda:7"}
