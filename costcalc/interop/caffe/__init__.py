"""Caffe's .prototxt files."""
