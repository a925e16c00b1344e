"""What if: a network as a flat list of steps, changed, and counted again.

Imports `reports`, `sweeps` and what lies below. A new transformation is a class in `structure`, `kernels`, `ranks`
or `scale`, and a name in `whatif`'s list of them.
"""
