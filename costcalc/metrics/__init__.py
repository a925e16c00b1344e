"""The metrics, a file a family; a new one is a class in one of these files, or a new file (see `metric`)."""
