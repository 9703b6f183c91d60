"""The desktop's pointer: its shape and its position."""
