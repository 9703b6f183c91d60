"""Launchers start desktops: the contract (`launcher.py`) and its implementations."""
