"""The wire of PROTOCOL.md, without I/O."""
