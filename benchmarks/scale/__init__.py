"""How many desktops a host carries, and what a larger screen costs."""
