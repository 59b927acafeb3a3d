"""One training step runs as one CUDA graph; launching the graph costs as little as launching one small kernel."""

from collections.abc import Callable

import torch

from labkit.training.step import Step

WARMING = 3  # steps before the capture, during which libraries choose their kernels and memory


def advance(step: Step) -> Callable[[], None]:
    """Return the function that makes a step.

    This is a captured `step.advance` on one CUDA device with `graph`, otherwise `step.advance` itself.

    Raises:
        RuntimeError: the step reads a number from the device (`.item()`, or an `if` on a tensor).
    """
    one = step.fabric.device.type == "cuda" and step.fabric.world_size == 1
    return _captured(step) if one and step.settings.graph else step.advance


def _captured(step: Step) -> Callable[[], None]:
    noise = step.generator.get_state()
    step.hold.fill_(1)  # the warming steps compute everything but change nothing
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
    step.optimizer.zero_grad(set_to_none=True)  # so that the gradients are in the graph's own memory
    with torch.cuda.graph(graph):
        step.advance()
    step.hold.zero_()
    return graph.replay
