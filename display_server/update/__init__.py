"""What changed, who needs what next, and whether it arrived exactly. Pure: pictures, messages and `now` go in."""
