"""Measures how many desktops a host can run, and the cost of larger screens."""
