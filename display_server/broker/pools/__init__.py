"""Floating pools: desktops that are started ahead and given to whoever asks first."""
