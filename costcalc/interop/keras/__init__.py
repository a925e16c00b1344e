"""Keras models: `to_json()` of Keras 2 and 3, and `.keras` files."""
