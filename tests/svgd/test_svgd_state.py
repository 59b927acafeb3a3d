"""A run continues from a state; states are saved and loaded, print as a line, and start from arrays and data frames."""

import io
import pickle
from dataclasses import replace
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import torch

from labkit import svgd, targets
from labkit.svgd import checks

X = torch.randn(9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGET = targets.make("banana")


def same(a, b):
    """Whether two states are equal bit for bit, also in the memory of their optimiser."""
    names = ("x", "score", "phi", "drive", "repulsion", "bandwidth", "ksd")
    memories = [m if isinstance(m, tuple) else (m,) for m in (a.memory, b.memory)]
    parts = [(getattr(a, name), getattr(b, name)) for name in names] + list(zip(*memories, strict=True))
    equal = [torch.equal(p, q) if isinstance(p, torch.Tensor) else p == q for p, q in parts]
    return a.t == b.t and type(a.memory) is type(b.memory) and all(equal)


def reloaded(thing):
    """Return what torch's defaults load of a thing that torch saved; they refuse other classes than torch's."""
    file = io.BytesIO()
    torch.save(thing, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# continuing


@pytest.mark.parametrize("how", [{}, {"optimizer": "adam"}, {"bandwidth": "median-lagged", "kernel": "imq"}])
def test_a_flow_from_a_state_continues_with_the_numbers_of_the_uninterrupted_run(how):
    whole = list(islice(svgd.flow(TARGET, X, **how), 8))
    rest = list(islice(svgd.flow(TARGET, whole[3], **how), 5))
    assert rest[0] is whole[3] and all(same(a, b) for a, b in zip(rest, whole[3:], strict=True))


def test_a_flow_from_a_state_with_a_minibatch_continues_with_the_generator():
    posterior = targets.make("logistic").minibatch(20)
    x = 0.1 * torch.randn(5, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    one, two = (torch.Generator().manual_seed(2) for _ in range(2))
    *_, wanted = islice(svgd.flow(posterior, x, generator=one), 6)
    *_, half = islice(svgd.flow(posterior, x, generator=two), 3)
    *_, found = islice(svgd.flow(posterior, half, generator=two), 4)
    assert same(found, wanted)


def test_a_state_with_other_particles_must_be_evaluated_before_the_run_continues():
    state = svgd.start(X, TARGET)
    edited = replace(state, x=torch.cat([X, X + 1]))
    with pytest.raises(ValueError, match=r"particles \(18, 2\), but phi of \(9, 2\); use svgd.flow\(target, svgd.eval"):
        svgd.flow(TARGET, edited)
    assert len(next(svgd.flow(TARGET, svgd.evaluate(edited, TARGET))).phi) == 18


# arrays and data frames


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, np.asfortranarray, lambda x: np.asarray(x)[::-1][::-1]])
def test_arrays_and_data_frames_are_particles(make):
    given = make(X.numpy())
    assert same(next(svgd.flow(TARGET, given)), svgd.start(X, TARGET))
    assert torch.equal(svgd.phi(given, TARGET), svgd.phi(X, TARGET))
    assert torch.equal(svgd.ksd(given, TARGET), svgd.ksd(X, TARGET))
    assert torch.equal(svgd.mmd(given, X + 1), svgd.mmd(X, X + 1))


def test_an_array_keeps_its_precision_and_is_not_changed():
    array = X.numpy().astype(np.float32)
    *_, state = islice(svgd.flow(TARGET, array), 3)
    assert state.x.dtype == torch.float32 and np.array_equal(array, X.float().numpy())
    assert svgd.start(np.arange(6).reshape(3, 2), torch.neg).x.dtype == torch.float64
    assert svgd.start(np.arange(6, dtype=np.int8).reshape(3, 2), torch.neg).x.dtype == torch.float32


def test_a_table_of_words_and_a_list_are_refused_with_the_call_that_converts():
    with pytest.raises(TypeError, match=r"must be real numbers of one shape, got .*; use np.asarray\(x, float\)"):
        checks.as_particles(pd.DataFrame({"a": ["x", "y"]}))
    with pytest.raises(TypeError, match=r"tensor, got list; use torch.as_tensor\(x, dtype=torch.float64\)"):
        checks.as_particles([[0.0], [1.0]])


# saving


@pytest.mark.parametrize("optimizer", ["adagrad", "adam", "plain"])
def test_a_state_is_saved_and_loaded_with_the_defaults_of_torch_and_the_run_continues(optimizer):
    *_, state = islice(svgd.flow(TARGET, X, optimizer=optimizer), 4)
    loaded = svgd.State.from_dict(reloaded(state.to_dict()))
    assert same(loaded, state)
    ahead = [next(islice(svgd.flow(TARGET, s, optimizer=optimizer), 3, 4)) for s in (state, loaded)]
    assert same(*ahead) and ahead[0].t == 6


def test_a_users_memory_is_saved_if_it_holds_tensors_and_numbers():
    memory = {"speed": X, "past": [1, (2.0, None)], "on": True}
    state = replace(svgd.start(X, TARGET), memory=memory)
    found = svgd.State.from_dict(reloaded(state.to_dict())).memory
    assert torch.equal(found["speed"], X) and found["past"] == [1, (2.0, None)] and found["on"] is True
    with pytest.raises(TypeError, match="the optimizer cannot be saved: it holds Generator; let your optimizer"):
        replace(state, memory=(X, torch.Generator())).to_dict()


def test_a_dict_with_other_fields_is_refused():
    values = svgd.start(X, TARGET).to_dict()
    with pytest.raises(ValueError, match="a state needs x, .* got x, score, phi, drive, repulsion, bandwidth, ksd, t;"):
        svgd.State.from_dict({name: values[name] for name in values if name != "memory"})
    with pytest.raises(ValueError, match=r"a state needs tensors, got x list; use a dict from state.to_dict\(\)"):
        svgd.State.from_dict(values | {"x": [1.0]})


def test_a_state_can_be_pickled():
    *_, state = islice(svgd.flow(TARGET, X, optimizer="adam"), 3)
    assert same(pickle.loads(pickle.dumps(state)), state)


# the line and the table


def test_a_state_has_a_short_text():
    *_, state = islice(svgd.flow(TARGET, X), 4)
    h, ksd = float(state.bandwidth), float(state.ksd)
    assert repr(state) == f"svgd.State(x [9, 2] float64, t 3, h {h:.3g}, KSD {ksd:.3g})"
    many = svgd.start(torch.stack([X, 2 * X]).float(), TARGET)
    low, high = many.bandwidth.tolist()
    assert repr(many).startswith(f"svgd.State(x [2, 9, 2] float32, t 0, h {low:.3g} to {high:.3g}, KSD ")


def test_a_state_is_a_table_in_a_notebook():
    table = svgd.start(X, TARGET, kernel="linear")._repr_html_()
    low, high = float(X.min()), float(X.max())
    assert f"<td>x</td><td>[9, 2]</td><td>float64</td><td>{low:.3g} to {high:.3g}</td>" in table
    assert "<td>bandwidth</td><td>[]</td><td>float64</td><td>inf</td>" in table and "<td>memory</td>" in table
    assert len(table) < 1500
