"""Darknet's .cfg files."""
