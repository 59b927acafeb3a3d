"""Benchmarks that compare labkit with a plain reference: one module per method, run by `labkit bench`."""
