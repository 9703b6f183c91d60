"""The viewer protocol of PROTOCOL.md: messages, binary frames, limits and the state of a connection.

Pure: nothing here does I/O or reads a clock. `generate_typescript` derives the web client's types from it.
"""
