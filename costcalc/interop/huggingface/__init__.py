"""Hugging Face's config.json: a model type and sizes; the networks are specs of ours, in `families`."""
