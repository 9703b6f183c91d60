"""Badges: signing in on enrolled devices with a card and, from time to time, its PIN."""
