"""labkit: Stein variational gradient descent, DRAW and doubly reparameterised gradients, live."""
