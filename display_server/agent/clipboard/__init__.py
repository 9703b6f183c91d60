"""The clipboard between a desktop's programs and its viewers."""
