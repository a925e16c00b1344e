"""Numbers and shapes: arithmetic that means the same on ints, arrays, factored numbers of a sweep, and symbols.

Imports `base` only. A helper that an operator's rule needs (`ceil_div`) is a function in `num`, and must run on all
of these.
"""
