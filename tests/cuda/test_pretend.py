"""The pretended GPU detects each kind of error, and computes the CPU's numbers."""

import numpy as np
import pytest
import torch


@pytest.fixture
def x(ledger) -> torch.Tensor:
    made = torch.arange(6.0).view(2, 3).to("cuda")
    ledger.clear()
    return made


def test_tensors_of_two_devices_are_refused(tool, x):
    with pytest.raises(tool.MixedDevicesError, match="one device"):
        x + torch.ones(2, 3)


def test_a_host_number_may_join_an_operation_but_not_a_concatenation(tool, x):
    assert (x + torch.tensor(1.0)).held.sum() == 21
    with pytest.raises(tool.MixedDevicesError, match="one device"):
        torch.stack([x.sum(), torch.tensor(1.0)])


@pytest.mark.parametrize(("made_for", "used_on"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_generator_of_another_device_is_refused(tool, ledger, made_for, used_on):
    generator = torch.Generator(made_for).manual_seed(0)
    torch.randn(3, device=made_for, generator=generator)
    with pytest.raises(tool.MixedDevicesError, match="generator"):
        torch.randn(3, device=used_on, generator=generator)


def test_a_host_tensor_cannot_be_indexed_by_the_device(tool, x):
    with pytest.raises(tool.MixedDevicesError, match="indexed"):
        torch.ones(3)[x[0].long()]


def test_numpy_cannot_read_the_device(x):
    with pytest.raises(TypeError, match="numpy"):
        x.numpy()
    with pytest.raises(TypeError, match="numpy"):
        np.asarray(x)


FAULTS = {
    "item": ("sync", lambda x: x.sum().item()),
    "if": ("sync", lambda x: bool((x > 1).any())),
    "float": ("sync", lambda x: float(x.max())),
    "tolist": ("sync", lambda x: x.tolist()),
    "nonzero": ("sync", lambda x: x.nonzero()),
    "equal": ("sync", lambda x: torch.equal(x, x)),
    "mask": ("sync", lambda x: x[x > 1]),
    "unique": ("sync", lambda x: torch.unique(x, return_inverse=True)),
    "synchronize": ("sync", lambda x: torch.cuda.synchronize()),
    "cpu": ("download", lambda x: x.cpu()),
    "copy back": ("download", lambda x: torch.zeros(2, 3).copy_(x)),
    "copy there": ("upload", lambda x: x.copy_(torch.zeros(2, 3))),
    "to": ("upload", lambda x: torch.zeros(3).to("cuda")),
    "host index": ("upload", lambda x: x[torch.tensor([1, 0])]),
    "list index": ("upload", lambda x: x[[1, 0]]),
    "tensor": ("factory", lambda x: torch.tensor([1.0], device="cuda")),
    "noise": ("global-rng", lambda x: torch.randn_like(x)),
    "dropout": ("global-rng", lambda x: x.bernoulli_(0.5)),
}


@pytest.mark.parametrize(("kind", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_each_kind_of_event_is_counted_and_breaks_a_capture(tool, ledger, x, kind, fault):
    fault(x)
    assert ledger.count(kind) == 1 == ledger.count(), ledger.table()
    with pytest.raises(tool.CaptureError), ledger.capture():
        fault(x)


def test_a_host_operation_breaks_a_capture(tool, ledger, x):
    with pytest.raises(tool.CaptureError), ledger.capture():
        torch.ones(2) + 1


def test_arithmetic_on_the_device_records_nothing_and_is_right(ledger, x):
    with ledger.capture():
        y = (x @ x.mT + 1).relu_().sum(-1, keepdim=True)
        z = torch.zeros(2, 1, device="cuda") + y[:, 0].view(2, 1).expand(2, 1).contiguous()
    host = torch.arange(6.0).view(2, 3)
    assert ledger.count() == 0 and ledger.operations > 5
    assert torch.equal(z.cpu(), (host @ host.mT + 1).sum(-1, keepdim=True))
    assert z.device == torch.device("cuda:0") and z.is_cuda and not z.is_cpu


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x[[1, 0]],
        lambda x: x[..., [2, 0]],
        lambda x: x.mT[[2, 0]] * 2,
        lambda x: x.new_tensor([[1.0, 2.0], [3.0, 4.0]]) @ x,
        lambda x: x.new_zeros(2) + x[:, 1],
        lambda x: torch.stack([x, x + 1]).flatten(0, 1).sort(0)[0],
    ],
)
def test_ways_of_making_and_indexing_tensors_give_the_numbers_of_the_cpu(x, use):
    made, expected = use(x), use(x.held)
    assert made.is_cuda and torch.equal(made.cpu(), expected)


def test_a_value_can_be_set_at_a_list_of_places(x):
    x[[0, 1], 1] = 7.0
    assert x.held[:, 1].tolist() == [7, 7]


def test_gradients_arrive_on_the_device(ledger):
    layer = torch.nn.Linear(3, 2).to("cuda")
    x = torch.ones(4, 3, device="cuda")
    with ledger.capture():
        layer(x).square().sum().backward()
    expected = 2 * layer(x).sum(0)
    assert layer.bias.grad.is_cuda and torch.allclose(layer.bias.grad.cpu(), expected.detach().cpu())


def test_the_place_of_an_event_is_a_line_of_labkit(ledger):
    from labkit import targets

    target = targets.make("mixture")
    target.score(torch.zeros(3, 1, device="cuda"))  # its constants are copied to the device once
    assert {place.split(":")[0] for _, _, place in ledger.events} == {"labkit.targets.base"}, ledger.table()
    ledger.clear()
    target.score(torch.zeros(3, 1, device="cuda"))
    assert ledger.count() == 0


def test_nothing_is_pretended_after_the_context(tool):
    if torch.cuda.is_available():
        pytest.skip("there is a real GPU: the pretended one would take its name")
    with tool.pretend():
        assert torch.cuda.is_available() and torch.cuda.device_count() == 1
    assert not torch.cuda.is_available() and torch.Generator is not tool.Generator
