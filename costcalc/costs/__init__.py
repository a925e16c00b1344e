"""A graph -> rows -> numbers: components of each row, and what a convention counts of them.

Imports `graph` and what lies below. A new convention is a file in `data/conventions/`; a name that its formulas may
use is a line in `formulas`.
"""
