"""Mistakes and files: what every other floor stands on, and what knows nothing of networks.

Imports nothing of costcalc. A new way of being wrong is a message where it is noticed, not a class here; what reads
or writes files, or asks for a package that may be missing, lives here.
"""
