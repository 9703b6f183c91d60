"""Captures the pixels of an X screen, and the damage that says where they changed."""
