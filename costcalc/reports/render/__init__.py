"""Writers: one table in, one text out. They lay out and round; they never compute.

A new format is a file here with a function `render(table, ...)`.
"""
