"""Private interfaces of other packages, one module a package: each use with its reason, and a test in tests/private."""
