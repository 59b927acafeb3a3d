"""The experiments of the page /dreg, a module a tab, without any display.

variance    every estimator's variance, SNR, bias and error against the number of samples K
microscope  draws of K samples in the plane, and the gradients that they sum to
bias        an estimator tested for bias until the evidence decides
alpha       the bias and the variance of dreg-alpha, for every alpha at once
race        small networks that train side by side
network     the noise of a trained network's gradient
"""
