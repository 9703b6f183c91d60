"""Logs, metrics and the trace of every frame. Never pixels, keys or text."""
