"""Many settings of a network counted at once: axes, the engine, chunks, tables, Parquet, the search in a budget.

Imports `measures` and what lies below, and no report.
"""
