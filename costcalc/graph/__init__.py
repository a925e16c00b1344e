"""A document and the values of its knobs -> a graph: blocks, tables, branches and includes expanded, shapes known.

Imports `language` and what lies below. It names no operator: a new one needs nothing here.
"""
