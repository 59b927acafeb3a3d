"""Tooltips that several tabs of the page share."""

KERNEL = (
    "How strongly {what} act on each other at each distance; h is the bandwidth. Gaussian (usual): almost 0 beyond "
    "3 h. Inverse multiquadric: reaches farther. Matérn 3/2: sharper peak, longer tail. Linear: x · x' + 1, without h. "
    "Sum: three Gaussians, h/2, h and 2h. Per dimension: each coordinate has its own kernel and its own h, and only "
    "distances along this coordinate count."
)
