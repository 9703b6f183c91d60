"""Policies: what a person may do from where, and the limits of their sign-ins and desktops."""
