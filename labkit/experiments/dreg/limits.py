"""What a script or a command line may ask of several experiments. Nothing is imported: help texts need it."""

DIMENSIONS = 1, 50  # D
SAMPLES = 1, 1 << 14  # K
LEVEL = 0.0, 1.0  # of a test; neither end itself
