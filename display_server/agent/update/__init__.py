"""What changed, who needs what next, and whether it arrived exactly. Pure: pictures and `now` go in."""
