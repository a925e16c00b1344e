"""What if: a network as a flat list of steps, changed, and counted again.

Imports `reports`, `sweeps` and what lies below. A transformation is a function with its name in `structure`,
`kernels`, `ranks` or `scale`.
"""
