"""Profiles: which programs run on a desktop, and with which settings."""
