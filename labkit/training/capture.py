"""A step as one CUDA graph: launched as a whole, thousands of small kernels cost as little as one."""

from collections.abc import Callable

import torch

from labkit.training.step import Step

WARMING = 3  # steps before the capture, in which libraries choose their kernels and memory


def advance(step: Step) -> Callable[[], None]:
    """What to call for a step: `step.advance` captured, where the run has one CUDA device and asks for it, else itself.

    Raises:
        RuntimeError: the task reads a number back from the device (`.item()`, an `if` on a tensor) in its step.
    """
    one = step.fabric.device.type == "cuda" and step.fabric.world_size == 1
    return _captured(step) if one and step.settings.graph else step.advance


def _captured(step: Step) -> Callable[[], None]:
    noise = step.generator.get_state()
    step.hold.fill_(1)  # the warming steps compute all and change nothing
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARMING):
            step.advance()
    torch.cuda.current_stream().wait_stream(side)
    step.read()
    step.generator.set_state(noise)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(step.generator)
    step.optimizer.zero_grad(set_to_none=True)  # so that the gradients lie in the graph's own memory
    with torch.cuda.graph(graph):
        step.advance()
    step.hold.zero_()
    return graph.replay
