"""Other frameworks, both ways. All optional: a framework is imported inside the functions that need it."""
