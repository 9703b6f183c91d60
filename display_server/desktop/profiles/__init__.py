"""Profiles: the programs and settings of a kind of desktop."""
