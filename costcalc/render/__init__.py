"""Writers: one table in, one text out. They lay out and round; they never compute."""
