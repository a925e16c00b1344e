"""What reading and writing ONNX takes; `onnx_import` and `onnx_export` are the doors."""
