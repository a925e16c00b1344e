"""TFLite models: a flatbuffer is read field by field, and its operators become steps; no package is needed."""
