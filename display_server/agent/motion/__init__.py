"""Motion as video: detects which part of a monitor moves, and encodes it until it comes to rest."""
