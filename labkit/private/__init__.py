"""Private interfaces of other packages. The name of a module begins with that of its package.

Each use has a reason, and a test in tests/private.
"""
