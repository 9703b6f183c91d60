"""Decides what each viewer is sent, and whether its surface shows exactly that.

This package does no I/O and reads no clock: frames, reports and `now_s` go in; updates and decisions come
out.
"""
