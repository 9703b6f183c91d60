"""Enrolled devices: browsers of which an administrator has said what and where they are."""
