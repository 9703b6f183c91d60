"""Pointer, wheel, key and text input into a desktop."""
