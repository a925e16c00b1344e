"""Published figures: whether what a paper prints is what a spec gives.

Imports `reports` and what lies below. Figures stand in the specs, under `published`.
"""
