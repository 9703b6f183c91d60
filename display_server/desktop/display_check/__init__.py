"""The display check: quality-control patterns, drawn on the desktop: the whole path is what is looked at."""
