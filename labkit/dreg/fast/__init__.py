"""These are faster ways to compute the numbers of DReG; tests compare them with the plain modules.

Rows of `labkit bench dreg` measure the gain of each way; medians there:

    way                                     | instead of            | used by           | gain  | row
    `decoder`: layers and pixels as one     | `VAE.log_pixels`      | `passes.run`      | 1.2 x | decoder layer
    operation, its gradient by hand         |                       |                   |       | by layer
    `gradients`: one backward pass of the   | `surrogate` of        | `task`, `racing`, | 1.6 x | surrogates of the
    decoder for both halves and every       | `found.samples()`     | `watching`        |       | same samples
    estimator                               |                       |                   |       |
    `laboratory`: coefficients times noise, | `surrogate` of        | `laboratory`      | 9 x   | vmap
    one sample for every estimator and K    | `evaluate`            |                   |       |
    `laboratory`: noise of float32's        | noise of float64      | `laboratory`      | 1.7 x | noise in float64
    resolution                              |                       |                   |       |
"""
