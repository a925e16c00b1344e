"""ONNX: `read` and `write` are the doors, the other modules what they take."""
