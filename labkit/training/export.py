"""The averaged weights are exported as safetensors, which `labkit.load_checkpoint` opens."""

import json
from pathlib import Path

from torch import nn

from labkit import atomic
from labkit.training.task import Task

NAME = "model.safetensors"


def save(path: Path, module: nn.Module, task: Task, facts: dict[str, str]) -> None:
    """Write the module's weights and buffers, with the config that rebuilds it and the facts for its card.

    Raises:
        OSError: the file could not be written.
    """
    from safetensors.torch import save as as_bytes

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    about = {"kind": task.kind, "config": json.dumps(task.config), **task.facts, **facts}
    atomic.write(path, as_bytes(tensors, about))
