"""Networks side by side: named with their knobs, compared, aligned, taken apart, held to budgets and baselines.

Imports `published`, `reports`, `sweeps` and what lies below.
"""
