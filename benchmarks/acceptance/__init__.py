"""Measures registered bars and reports which are reached (`python -m benchmarks acceptance`)."""
