"""Captures the shape and the position of the desktop's pointer."""
