"""Accounts, entitlements and the sessions of desktops."""
