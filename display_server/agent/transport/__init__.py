"""How bytes get to viewers and back."""
