"""Private interfaces of other packages, one module per package. Each use has a reason, and a test in tests/private."""
