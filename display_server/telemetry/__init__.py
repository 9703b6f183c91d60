"""Logs, metrics and frame traces. None of them ever contains pixels, key strokes or text."""
