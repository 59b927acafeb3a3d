"""Settings that pages, scripts and the command line begin with. Nothing is imported: help texts need it."""

ESTIMATORS = "iwae", "stl", "dreg", "rws-dreg"
DIMENSIONS = 20  # D
REPLICATES = 100_000  # at most, of a test of bias
LEVEL = 0.05  # of that test
RACE_SAMPLES = 16  # K
BATCH = 32  # training images a step
LEARNING_RATE = 2e-3
