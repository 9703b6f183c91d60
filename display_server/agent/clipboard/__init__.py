"""The clipboard between a desktop and its viewers."""
