"""Private interfaces of torch that labkit uses exist and behave as expected."""

import pytest
import torch
from torch.distributions import AffineTransform, ExpTransform, HalfNormal, constraints

from labkit.private import torch as private


def test_torch_has_the_backward_passes_of_tanh_and_relu(relied_on):
    flow, x = torch.tensor([2.0, 3.0, 5.0]), torch.tensor([-1.0, 0.0, 2.0])
    with relied_on("torch.ops.aten.tanh_backward has changed: labkit.private.torch.tanh_backward needs another way"):
        assert torch.allclose(private.tanh_backward(flow, x.tanh()), flow / x.cosh() ** 2)
    with relied_on("aten.threshold_backward has changed: labkit.private.torch.relu_backward needs another way"):
        assert private.relu_backward(flow, x.relu()).tolist() == [0, 0, 5]


@pytest.mark.slow  # torch loads its compiler
@pytest.mark.parametrize("transform", [torch.func.grad, torch.func.vmap], ids=["grad", "vmap"])
def test_torch_reports_whether_a_transform_is_active(relied_on, transform):
    told = []

    def square(x):
        told.append(private.transforms_active())
        return (x * x).sum()

    with relied_on("torch._C has changed: labkit.private.torch.transforms_active needs another way to see torch.func"):
        told.append(private.transforms_active())
        transform(square)(torch.ones(3))
        assert told == [False, True]


@pytest.mark.slow  # torch loads its compiler
def test_torch_raises_when_a_function_is_compiled_too_often(relied_on):
    compiled = torch.compile(lambda x: x + 1, dynamic=False, fullgraph=True, backend="eager")
    with relied_on(
        "torch._dynamo has changed: labkit.private.torch.too_many_programs needs another way to see its limit"
    ):
        assert isinstance(private.most_programs(), int)
        with torch._dynamo.config.patch(recompile_limit=2):
            assert private.most_programs() == 2
            for n in (3, 4):
                compiled(torch.zeros(n))
            with pytest.raises(private.too_many_programs()):
                compiled(torch.zeros(5))


@pytest.mark.slow  # torch loads its compiler
def test_torch_raises_without_a_compiler(relied_on):
    from torch._inductor import config

    compiled = torch.compile(lambda x: x * x + 1, options=private.ONE_ROUNDING)
    with relied_on(
        "torch._inductor has changed: labkit.private.torch.no_compiler needs another way to see what is missing"
    ):
        with config.patch({"cpp.cxx": ("no-such-compiler",)}), pytest.raises(private.no_compiler()):
            compiled(torch.ones(7))


@pytest.mark.slow  # torch loads its compiler
def test_torch_accepts_the_option_of_a_single_rounding(relied_on):
    with relied_on("torch.compile has lost an option: labkit.private.torch.ONE_ROUNDING needs its new name"):
        assert private.ONE_ROUNDING.keys() <= set(torch._inductor.list_options())
        with pytest.raises(RuntimeError, match="option"):
            torch.compile(torch.sin, options={"cpp.no_such_option": 1})


def test_a_distribution_without_checks_evaluates_points_outside_its_support(relied_on):
    q = HalfNormal(torch.tensor(1.0), validate_args=True)
    with pytest.raises(ValueError, match="support"):
        q.log_prob(torch.tensor(-1.0))
    with relied_on("torch's Distribution has changed: labkit.private.torch.switch_checks_off needs another way"):
        private.switch_checks_off(q)
        assert q.log_prob(torch.tensor(-1.0)).isneginf()


def test_the_contents_of_a_transform_exclude_its_cached_point(relied_on):
    with relied_on("torch's Transform has changed: labkit.private.torch.contents must leave out what it remembers"):
        shift, scale, x = torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0)
        transform = AffineTransform(shift, scale, cache_size=1)
        y = transform(x)
        found = [id(each) for each in private.contents(transform) if isinstance(each, torch.Tensor)]
        assert found == [id(shift), id(scale)]
        assert not any(isinstance(each, tuple) for each in private.contents(transform))
        assert any(each[0] is x and each[1] is y for each in vars(transform).values() if isinstance(each, tuple))
        assert not [each for each in private.contents(ExpTransform()) if isinstance(each, torch.Tensor)]
        assert [*private.contents(constraints.interval(shift, scale))][:2] == [shift, scale]
