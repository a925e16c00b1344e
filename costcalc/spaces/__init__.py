"""Search spaces: what all networks of a spec's choices cost, without making them one by one."""
