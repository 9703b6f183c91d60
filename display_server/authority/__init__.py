"""PROGRAM, short-lived: the local certificate authority. Only this program reads the authority's key."""
