"""For every folder read from stdin, start a process that trains the toy there; print its id, and how it ended.

One process imports torch and forks. So the runs start within milliseconds, and many can be killed.
"""

import os
import sys
from dataclasses import replace

import lightning_fabric  # noqa: F401
import torch
import toy

from labkit import training

torch.set_num_threads(1)
LONG = replace(toy.SETTINGS, log_every=1)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        for _ in training.fit(toy.Task(breaks=0.1), LONG, line.strip(), toy.images(), toy.images(24, 1)):
            pass
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
