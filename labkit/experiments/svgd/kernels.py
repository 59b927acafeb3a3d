"""The kernels that a run may be given by name."""

from labkit import svgd

# A compiled kernel wants a compiler, ten seconds before the first step, and few dimensions: it is left to scripts.
KERNELS = [name for name, kernel in svgd.KERNELS.items() if not isinstance(kernel, svgd.FusedRBF)]
