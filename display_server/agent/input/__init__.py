"""Hands on the desktop: pointer, wheel, keys and text."""
