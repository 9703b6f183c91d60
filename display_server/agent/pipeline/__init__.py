"""One monitor from damage to updates: its frame, capture, tile encoding and pipeline."""
