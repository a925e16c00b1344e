"""What makes a site of the pages: conf.py uses it, nothing else."""
