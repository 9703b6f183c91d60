"""The display check: an X program that shows quality-control patterns on every monitor of the desktop."""
