"""This code beside a plain reference: one module a method, run by `labkit bench`."""
