"""Lightbox: a virtual-desktop server whose screens are pixel-exact and proven so by the receiver."""

__version__ = "0.1.0"
