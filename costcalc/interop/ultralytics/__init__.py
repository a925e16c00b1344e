"""Ultralytics' model files (`yolov8.yaml`)."""
