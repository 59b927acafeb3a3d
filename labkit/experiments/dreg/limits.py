"""What a script or a command line may ask of several experiments. Nothing is imported: help texts need it."""

DIMENSIONS = 1, 50  # D
SAMPLES = 1, 1 << 14  # K
LEVEL = 0.0, 1.0  # of a test; neither end itself
ALPHA = 0.0, 1.0  # of dreg-alpha: dreg at one end, rws-dreg at the other
BATCH = 1, None  # training images a step
LEARNING_RATE = 0.0, None
