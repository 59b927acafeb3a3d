"""These are faster ways to compute SVGD's sums and medians; tests check that each gives the same numbers to rounding.

The plain formulas are in `labkit.svgd.kernels.Radial.plain` and `labkit.svgd.bandwidths`. `choice` selects the way
for a kernel's sums and `median` the way for a median. `digits` decides when the fast sums would lose digits.

"Gain" is the CPU time of the call without this way, divided by its time with it (float64 / float32).
N is the number of particles, D of dimensions. "Row" is the row of `labkit bench svgd` that measures it.

    way                       used for                             gain                               row
    pairs.sums, .strips       all cases not below                  memory O(N); half the exponentials all
    pairs, expanded squares   D > 3                                phi 5 / 7, a median 5 / 4          N = 1000, D = 50
    pairs.passing             D <= 3, N <= 256, CPU, a batch   a step of 30 runs 1.3              none (N = 100)
    choice._by_one_matrix     RBF                                  products 7 / 4; at D = 50 1.3      N = 1000
    choice.phi, one sum       RBF                                  phi 1.4, at N = 1000, D = 1 1.1    N = 100; N = 1000
    cells.sums                RBF, D = 1, N > 256, CPU, one run    phi 4 / 3; at N = 5000 29 / 24     N = 1000; N = 5000
    cells.sums, far apart     the same, where digits are lost      products 6 / 4; N = 5000 58 / 45   none
    choice.phi_of_few         RBF, D > 3, N <= 256                 phi 1.7                            none (N = 100)
    together.phi_and_median   the same with the median rule        phi with its bandwidth 1.4 to 1.9  none (N = 100)
    compiled.sums             `FusedRBF`, chosen by name, D <= 3   D = 2: phi 1.6 / 3.7; D = 1: below N = 1000
    median._sorted            D = 1, N > 256                       a median 19 / 17; N = 5000 60 / 58 N = 1000; N = 5000
    median._counted           D > 1, N > 1000                      memory O(N)                        none
    median._screened          D > 3, 256 < N <= 1000, float64, CPU a step 1.07 to 1.09                N = 1000, D = 50
    ranks._near               3000 values or more, CPU             a median 5; 50 runs a step 1.3     N = 1000, D = 50
    median._of_pairs, pdist   D > 3, N^2 D <= 10^6, a state        a step 0.9 / 1.1; at N = 20 1.2    none
    ranks.at_ranks, sort      CUDA                                 no other way is faster there       none

In one dimension `FusedRBF` competes with `cells`, not with strips. In float32 at N = 1000 a step takes 0.9 of the time
of `RBF`. From N = 1250 on, and in float64, `cells` are as fast or faster, so `FusedRBF` uses them too.
"""
