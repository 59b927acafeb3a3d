"""This module makes targets from `torch.nn` modules: a particle is the parameters of one network."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit import modules
from labkit.targets import checks
from labkit.targets.likelihood import Data, FromLogLikelihood, tables


class FromModule(FromLogLikelihood):
    """The target that `from_module` returns.

    Attributes:
        shapes: the shape of each parameter, by name, in the order of x.
    """

    dim: int

    def __init__(
        self,
        module: nn.Module,
        log_likelihood: Callable[..., Tensor],
        data: tuple[Tensor, ...],
        prior_scale: float,
        name: str,
    ):
        self._module = copy.deepcopy(module).eval()
        self.shapes = {n: w.shape for n, w in self._module.named_parameters() if w.requires_grad}
        self.prior_scale, self._of_one = prior_scale, log_likelihood
        self._modules: dict[tuple[torch.dtype, torch.device], nn.Module] = {}
        dim = sum(map(math.prod, self.shapes.values()))
        if not dim:
            raise ValueError(
                f"{name} has no parameter that is trained, so there is nothing to move; give one with some"
            )
        super().__init__(self._of_all, self._log_prior, data, dim, None, name)

    def _log_prior(self, x: Tensor) -> Tensor:
        """Return the log density of independent normals around 0."""
        unit = math.log(self.prior_scale) + 0.5 * math.log(2 * math.pi)
        return -0.5 * (x / self.prior_scale).square().sum(-1) - self.dim * unit

    def _of_all(self, x: Tensor, *rows: Tensor) -> Tensor:
        return self._each(x, lambda net: self._of_one(net, *rows))

    def _each(self, x: Tensor, use: Callable[[Any], Tensor]) -> Tensor:
        """Return use(module) for each particle, [..., *shape of the result]."""
        module = self._module_like(x)

        def one(theta: Tensor) -> Tensor:
            return modules.call(module, self.parameters(theta), use)

        return torch.vmap(one)(x.reshape(-1, self.dim)).unflatten(0, x.shape[:-1])

    def _module_like(self, x: Tensor) -> nn.Module:
        key = (x.dtype, x.device)
        if key not in self._modules:
            with torch.inference_mode(False):
                self._modules[key] = copy.deepcopy(self._module).to(x.device, x.dtype)
        return self._modules[key]

    def parameters(self, x: Float[Tensor, "*batch d"]) -> dict[str, Tensor]:
        """Return the parameters of each particle by name, [..., *shape of the parameter]."""
        self._check(x)
        parts = x.split([math.prod(shape) for shape in self.shapes.values()], -1)
        named = zip(self.shapes.items(), parts, strict=True)
        return {name: part.reshape(*x.shape[:-1], *shape) for (name, shape), part in named}

    def predict(self, x: Float[Tensor, "*batch d"], *inputs: checks.Numbers) -> Tensor:
        """Return module(*inputs) for each particle, [..., *shape of the result], without gradients."""
        self._check(x)
        given = [checks.array(each) for each in inputs]
        given = [each.to(x) if each.is_floating_point() else each.to(x.device) for each in given]
        with torch.no_grad():
            return self._each(x, lambda net: net(*given))

    def initial(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Return n initial particles, float64: each has new weights as torch's layers draw them.

        Parameters outside of torch's layers keep the values that they have in the module.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            return torch.stack([self._drawn() for _ in range(n)])

    def _drawn(self) -> Tensor:
        made = copy.deepcopy(self._module)
        for part in made.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
        named = dict(made.named_parameters())
        return torch.cat([named[name].detach().flatten().double().cpu() for name in self.shapes])


def from_module(
    module: nn.Module,
    log_likelihood: Callable[..., Tensor],
    data: Data,
    *,
    prior_scale: float = 1.0,
    name: str | None = None,
) -> FromModule:
    """Return the posterior of the parameters of a network given the rows of data; a particle is one network.

        def log_likelihood(net, x, y):                       # one network, b rows -> [b]
            return -0.5 * ((net(x).squeeze(-1) - y) / 0.1) ** 2

        target = targets.from_module(net, log_likelihood, (x, y))
        x0 = target.initial(50, generator)
        svgd.flow(target, x0)                                # or target.minibatch(32)
        target.predict(x, inputs)                            # the results of each network

    The prior of every parameter is N(0, prior_scale²). Parameters with `requires_grad=False` stay as they are. The
    target works on a copy of the module in `eval` mode, so dropout is off. The networks run together by `torch.vmap`,
    which refuses recurrent layers of torch. Do not use one such target from two threads at once.

    Args:
        module: the network; only the shapes of its parameters matter, and those values that are not trained.
        log_likelihood: (network, *rows) -> the log-likelihood of each of b rows, [b], by torch operations.
        data: one table, or several of one length, as in `from_log_likelihood`.
        prior_scale: the standard deviation of the prior, > 0.
        name: for pictures; default the name of the module's class.

    Raises:
        TypeError: module is not an `nn.Module`, or log_likelihood is not a function.
        ValueError: the tables differ in length, prior_scale is not positive, or no parameter is trained.
    """
    if not isinstance(module, nn.Module) or not callable(log_likelihood):
        got = f"{type(module).__name__} and {type(log_likelihood).__name__}"
        raise TypeError(f"from_module needs an nn.Module and a function, got {got}; see its documentation")
    scale = checks.number("prior_scale", prior_scale, above=0)
    return FromModule(module, log_likelihood, tables(data), scale, name or type(module).__name__.lower())
