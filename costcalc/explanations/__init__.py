"""Why a number is what it is: a layer's formulas, where conventions part, which settings give a claimed number.

Imports `published`, `reports`, `sweeps` and what lies below.
"""
