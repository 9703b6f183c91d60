"""The X server's side of a desktop: connection, RandR, windows and text scale."""
