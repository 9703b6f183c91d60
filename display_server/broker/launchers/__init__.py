"""Launchers: the contract and the implementations that start desktops."""
