"""Defaults that pages, scripts and the command line share. Nothing is imported, because help texts need them."""

# a run of SVGD
TARGET = "mixture"
START = "normal"
KERNEL = "rbf"
RULE = "median"  # for the bandwidth
OPTIMIZER = "adagrad"
STEP_SIZE = 0.1
TEMPER = "none"
TEMPERED = 500  # steps in which a tempered score gets its full strength

# measurements of gradient estimators
ESTIMATORS = "iwae", "stl", "dreg", "rws-dreg"
DIMENSIONS = 20  # D in the Gaussian model
REPLICATES = 100_000  # at most, in a test of bias
LEVEL = 0.05  # probability of a false alarm in this test
RACE_SAMPLES = 16  # K

# small networks that learn in a tab
BATCH = 32  # training images per step
LEARNING_RATE = 2e-3

# images from a trained network
NETWORK = "draw-paper"
IMAGES = 16
TEMPERATURE = 1.0  # the prior
