"""Train the toy without noise in two processes: `python pair.py FOLDER`; Fabric runs this again for the second one."""

import sys
from dataclasses import replace

import torch
import toy

from labkit import training

if __name__ == "__main__":
    torch.set_num_threads(1)
    settings = replace(toy.SETTINGS, devices="2xcpu", steps=24, batch_size=16, checkpoint_seconds=60.0)
    for _ in training.fit(toy.Task(noise=0.0), settings, sys.argv[1], toy.images(), toy.images(24, 1)):
        pass
