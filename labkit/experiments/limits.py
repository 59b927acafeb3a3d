"""Limits of settings that scripts and the command line share. Nothing is imported, because help texts need them."""

PARTICLES = 1, None
DIMENSIONS = 1, 50  # D in the Gaussian model
SAMPLES = 1, 1 << 14  # K
LEVEL = 0.0, 1.0  # probability of a false alarm, without both ends
ALPHA = 0.0, 1.0  # dreg-alpha: dreg at 0, rws-dreg at 1
BATCH = 1, None  # training images per step
LEARNING_RATE = 0.0, None
