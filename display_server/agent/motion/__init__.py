"""What moves goes as video until it rests: which part of a monitor, and how."""
