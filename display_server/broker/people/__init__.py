"""People, their groups, and what they may open."""
