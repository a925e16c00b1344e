"""What `costcalc.count` returns, and its tables, records and frames; `render/` writes a table in a format.

Imports `measures` and what lies below. A new format is a writer in `render/`.
"""
