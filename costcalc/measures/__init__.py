"""The metrics, a file a family; what a metric is stands in `metric`.

Imports `hardware` and what lies below. A new metric is a class in one of these files, or in a new file: every
command, format, budget and sweep then takes it by its name.
"""
