"""Kernels, rules and optimisers by name, in every function that takes them, and names for a user's own."""

import inspect
import math
from itertools import islice

import pytest
import torch

from labkit import svgd, targets
from labkit.svgd import registry

X = torch.randn(7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
BANANA = targets.make("banana")


@pytest.fixture
def kept():
    """Remove the test's own name from the registries afterwards."""
    yield
    for names in (svgd.KERNELS, svgd.RULES, svgd.OPTIMIZERS, targets.TARGETS, targets.PARAMETERS):
        names.pop("mine", None)


class Cauchy(svgd.Radial):
    """k = 1 / (1 + u), with derivatives by autograd."""

    def f(self, u):
        return 1 / (1 + u)


# names


@pytest.mark.parametrize("name", svgd.KERNELS)
def test_the_name_of_a_kernel_gives_the_numbers_of_the_kernel(name):
    kernel, state = svgd.KERNELS[name], svgd.start(X, BANANA)
    ways = {
        "start": lambda k: svgd.start(X, BANANA, kernel=k).phi,
        "step": lambda k: svgd.step(svgd.start(X, BANANA, kernel=k), BANANA, kernel=k).x,
        "flow": lambda k: next(islice(svgd.flow(BANANA, X, kernel=k), 2, 3)).x,
        "evaluate": lambda k: svgd.evaluate(state, BANANA, kernel=k).phi,
        "phi": lambda k: svgd.phi(X, BANANA, k),
        "ksd": lambda k: svgd.ksd(X, BANANA, k),
        "mmd": lambda k: svgd.mmd(X, X + 1, k),
        "pulls": lambda k: svgd.pulls(svgd.start(X, BANANA, kernel=k), 0, kernel=k)[1],
        "SVGD": lambda k: svgd.SVGD(k).update(X, BANANA, 2),
    }
    assert [way for way, run in ways.items() if not torch.equal(run(name), run(kernel))] == []
    if name != "rbf":  # and they are not the numbers of the default
        assert [way for way, run in ways.items() if torch.equal(run(name), run("rbf"))] == []


@pytest.mark.parametrize("name", svgd.OPTIMIZERS)
def test_the_name_of_an_optimizer_is_the_optimizer_at_step_size_one_tenth(name):
    by_name, by_object = (islice(svgd.flow(BANANA, X, optimizer=o), 4) for o in (name, svgd.OPTIMIZERS[name](0.1)))
    assert all(torch.equal(a.x, b.x) for a, b in zip(by_name, by_object, strict=True))
    second = next(islice(svgd.flow(BANANA, X, optimizer=name), 1, 2))
    assert torch.equal(svgd.step(svgd.start(X, BANANA), BANANA, optimizer=name).x, second.x)


@pytest.mark.parametrize("name", ["banana", "mixture", "funnel"])
def test_the_name_of_a_target_is_the_target(name):
    x = X[:, :1] if name == "mixture" else X
    assert torch.equal(svgd.start(x, name).phi, svgd.start(x, targets.make(name)).phi)
    assert torch.equal(svgd.phi(x, name), svgd.phi(x, targets.make(name)))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kernel": "imp"}, "kernel 'imp' is unknown; give one of rbf, imq, .*; did you mean 'imq'"),
        ({"optimizer": "adm"}, "optimizer 'adm' is unknown; give one of adagrad, adam, plain, .* did you mean 'adam'"),
        ({"kernel": "preconditioned"}, r"needs a precision matrix; use kernel=svgd.Preconditioned\(target.cov"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_name(how, message):
    with pytest.raises(ValueError, match=message):
        svgd.flow(BANANA, X, **how)
    with pytest.raises(ValueError, match="target must be one of .*, got 'banna'; did you mean 'banana'"):
        svgd.flow("banna", X)


@pytest.mark.parametrize(
    ("find", "thing", "message"),
    [
        (registry.kernel_of, svgd.IMQ, "must be an object or a name, got the class IMQ; use svgd.RBF"),
        (registry.kernel_of, 3, "must be an object or a name, got int"),
        (registry.optimizer_of, svgd.Adam, r"got the class Adam; use svgd.Adam\(0.05\)"),
        (registry.optimizer_of, 0.1, "got float; use svgd.Adam"),
        (svgd.PerDimension, "imq", r"the base must be a kernel, got 'imq'; use an object such as svgd.IMQ\(\)"),
        (svgd.Sum, ("rbf", "imq"), r"Sum needs kernels, got 'rbf'; use objects"),
    ],
)
def test_what_is_neither_an_object_nor_a_name_is_an_error(find, thing, message, unchecked):
    with pytest.raises(TypeError, match=message):
        find(thing)


# a user's own names


def test_a_registered_kernel_rule_optimizer_and_target_run_by_their_names(kept):
    """Against the same run with the objects themselves."""

    def spread(x):
        return x.std((-2, -1))

    def signs(step_size):
        return lambda phi, memory: (step_size * phi.sign(), None)

    svgd.register_kernel("mine", Cauchy())
    svgd.register_bandwidth("mine", spread)
    svgd.register_optimizer("mine", signs)
    targets.register("mine", BANANA)
    by_name = svgd.flow("mine", X, kernel="mine", bandwidth="mine", optimizer="mine")
    wanted = svgd.flow(BANANA, X, kernel=Cauchy(), bandwidth=spread, optimizer=signs(0.1))
    assert all(torch.equal(a.x, b.x) for a, b in islice(zip(by_name, wanted, strict=False), 4))
    svgd.register_kernel("mine", svgd.IMQ())  # a cell of a notebook that runs again
    assert torch.equal(svgd.phi(X, BANANA, "mine"), svgd.phi(X, BANANA, "imq"))


def test_a_registered_function_makes_targets_with_parameters(kept):
    targets.register("mine", targets.TARGETS["donut"], parameters={"radius": targets.PARAMETERS["donut"]["radius"]})
    assert torch.equal(targets.make("mine", radius=1.0).score(X), targets.make("donut", radius=1.0).score(X))
    assert list(targets.PARAMETERS["mine"]) == ["radius"]
    with pytest.raises(ValueError, match="mine has .*, got size; leave that out"):
        targets.register("mine", targets.TARGETS["donut"], parameters={"size": targets.PARAMETERS["donut"]["radius"]})
    with pytest.raises(ValueError, match="needs a dimension and a plot range, got mine without"):
        targets.register("mine", targets.from_log_prob(lambda x: -x.square().sum(-1)))


REGISTER = {
    "kernel": lambda name: svgd.register_kernel(name, svgd.IMQ()),
    "bandwidth rule": lambda name: svgd.register_bandwidth(name, lambda x: x.std((-2, -1))),
    "optimizer": lambda name: svgd.register_optimizer(name, svgd.Plain),
    "target": lambda name: targets.register(name, BANANA),
}
SHIPPED = {"kernel": "rbf", "bandwidth rule": "median", "optimizer": "adam", "target": "donut"}


@pytest.mark.parametrize("what", REGISTER)
@pytest.mark.parametrize("name", ["", "two words", "a,b", "1st", "a=b", "a@2", "-a"])
def test_a_name_that_no_list_or_address_can_hold_is_refused(what, name):
    with pytest.raises(ValueError, match=f"the name of the {what} must begin with a letter .* got {name!r}"):
        REGISTER[what](name)


@pytest.mark.parametrize("what", REGISTER)
def test_a_name_of_labkit_keeps_its_meaning(what):
    with pytest.raises(ValueError, match=f"the {what} '{SHIPPED[what]}' belongs to labkit and keeps its meaning"):
        REGISTER[what](SHIPPED[what])


@pytest.mark.parametrize(
    ("register", "entry", "message"),
    [
        (svgd.register_kernel, svgd.IMQ, "an object or a name, got the class IMQ"),
        (svgd.register_kernel, "imq", r"must be an object, got 'imq'; use svgd.KERNELS\['imq'\]"),
        (svgd.register_bandwidth, 0.5, "must be a function x -> h, got float"),
        (svgd.register_optimizer, lambda phi, memory: (phi, None), "must be a function step_size -> optimizer, got fu"),
        (svgd.register_optimizer, lambda step_size: step_size, "must be a function step_size -> optimizer"),
        (targets.register, 3, "must be a target or a function that makes one, got int"),
    ],
)
def test_an_entry_of_another_kind_is_refused(register, entry, message, unchecked):
    with pytest.raises(TypeError, match=message):
        register("mine", entry)
    assert not any("mine" in names for names in (svgd.KERNELS, svgd.RULES, svgd.OPTIMIZERS, targets.TARGETS))


# a kernel from its function alone


@pytest.mark.parametrize("d", [1, 2, 6])
def test_a_radial_kernel_needs_only_its_function_of_the_distance(d):
    """1/(1 + u) has w = 2 f^2 and q = 8 u f^3; an RBF by autograd equals the RBF."""
    x = torch.randn(9, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    u = torch.tensor([0.0, 0.3, 5.0], dtype=torch.float64)
    f, w, q = Cauchy().f_w_q(u)
    assert torch.allclose(f, 1 / (1 + u)) and torch.allclose(w, 2 * f**2) and torch.allclose(q, 8 * u * f**3)

    class Gauss(svgd.Radial):
        def f(self, u):
            return u.mul_(-0.5).exp_()  # it may write into its argument

    mine, known = svgd.start(x, torch.neg, kernel=Gauss()), svgd.start(x, torch.neg)
    assert torch.allclose(mine.phi, known.phi, rtol=1e-12) and torch.allclose(mine.ksd, known.ksd, rtol=1e-10)
    with torch.inference_mode():
        assert torch.allclose(svgd.start(x, torch.neg, kernel=Gauss()).phi, known.phi, rtol=1e-12)


def test_a_radial_kernel_of_a_straight_line_has_no_second_derivative():
    class Line(svgd.Radial):
        def f(self, u):
            return 1 - u

    u = torch.tensor([0.0, 2.0], dtype=torch.float64)
    f, w, q = Line().f_w_q(u)
    assert f.tolist() == [1, -1] and w.tolist() == [2, 2] and q.tolist() == [0, 0]


# a rule that mixes runs


def test_a_rule_that_mixes_the_runs_of_a_batch_is_noticed():
    """Its result must have the shape of the runs; then each run has the numbers that it has alone."""
    many = torch.stack([X, 3 * X])
    with pytest.raises(ValueError, match=r"one number per run, shape \(2,\), got \(\) at step 0; reduce over th"):
        svgd.start(many, torch.neg, bandwidth=lambda x: x.std())
    with pytest.raises(ValueError, match=r"one number per run, shape \(2,\), got \(\)"):
        svgd.start(X, torch.neg, kernel="per-dimension", bandwidth=lambda x: x.std())
    both = svgd.start(many, torch.neg, bandwidth=lambda x: x.std((-2, -1)))
    alone = [svgd.start(x, torch.neg, bandwidth=lambda x: x.std((-2, -1))) for x in many]
    assert torch.allclose(both.phi, torch.stack([state.phi for state in alone]))
    assert math.isclose(both.bandwidth[1] / both.bandwidth[0], 3)


# the help


@pytest.mark.parametrize("name", ["start", "evaluate", "step", "flow", "phi", "pulls", "ksd", "mmd", "watch"])
def test_the_help_explains_every_argument(name):
    function = getattr(svgd, name)
    explained = inspect.getdoc(function).split("Args:")[1].split("Raises:")[0]
    words = {word for line in explained.splitlines() for word in line.split(":")[0].replace(",", " ").split()}
    assert set(inspect.signature(function).parameters) <= words
