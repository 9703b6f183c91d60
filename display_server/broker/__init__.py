"""Accounts, entitlements and desktop sessions: who may open which desktop, and which desktops run."""
