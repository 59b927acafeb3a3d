"""States of all methods have a short text and a table, with what they hold."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pytest
import torch

from labkit import baselines, draw, dreg
from labkit.dreg import gaussian, laboratory
from labkit.summary import Summary


class Part(NamedTuple):
    y: torch.Tensor
    z: torch.Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Toy(Summary):
    line: ClassVar[dict[str, str]] = {"x": "x", "n": "count", "part": "part"}
    x: torch.Tensor
    n: int = 3
    part: Part | None = None
    word: str = "<b>"


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.tensor(0.123456), "0.123"),
        (torch.tensor([3.0, 1.0, 2.0]), "1 to 3"),
        (torch.tensor([3.0, 1.0, float("nan")]), "1 to 3, 1 not finite"),
        (torch.tensor([float("nan"), float("inf")]), "none finite"),
        (torch.zeros(0), "empty"),
        (torch.zeros(4, 2), "[4, 2] float32"),
        (torch.tensor([True, False, True]), "2 of 3 are true"),
        (torch.tensor([5, 7]), "5 to 7"),
        (torch.tensor([1.0, 2.0], requires_grad=True), "1 to 2"),
    ],
)
def test_a_tensor_in_the_line_is_its_number_its_range_or_its_shape(x, words):
    assert repr(Toy(x)).endswith(f"Toy(x {words}, count 3)")


def test_the_table_has_a_row_for_each_field_and_each_part_and_escapes_text():
    table = Toy(torch.zeros(2), part=Part(torch.ones(1), torch.zeros(2, 3)))._repr_html_()
    assert "<td>part.y</td><td>[1]</td><td>float32</td><td>1</td>" in table
    assert "<td>part.z</td><td>[2, 3]</td><td>float32</td><td>0 to 0</td>" in table
    assert "&lt;b&gt;" in table and "<b>" not in table


def test_the_states_of_every_method_have_a_short_text():
    toy, generator = gaussian.instance(), torch.Generator().manual_seed(0)
    q = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(3), torch.ones(3)), 1)
    shape = draw.Config(height=8, width=8, steps=3, latent=2, hidden=4, read=2, write=2)
    model = draw.DRAW(shape)
    images = torch.rand(5, 1, 8, 8, generator=generator)
    trace = model(images, generator=generator)
    states = {
        "draw.Trace(canvas [3, 5, 1, 8, 8] float32, z [3, 5, 2] float32, bound ": trace,
        "draw.Trace(canvas [3, 2, 1, 8, 8] float32, z [3, 2, 2] float32)": model.generate(2, generator=generator),
        "dreg.State(estimators ('iwae', 'dreg'), replicates 0, t 0)": laboratory.start(toy, ("iwae", "dreg")),
        "dreg.Samples(z [4, 3] float32, log_w ": dreg.evaluate(q, lambda z: -z.square().sum(-1), 4),
        "baselines.State(x [6, 2] float32, t 0)": baselines.State(torch.zeros(6, 2)),
    }
    assert [line for line, state in states.items() if not repr(state).startswith(line)] == []
    assert all("\n" not in repr(state) and len(repr(state)) < 120 for state in states.values())
    low, high = (f"{float(end):.3g}" for end in trace.bound.detach().aminmax())
    assert repr(trace).endswith(f"bound {low} to {high})") and "<td>read.center_x</td>" in trace._repr_html_()
