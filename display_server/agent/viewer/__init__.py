"""One connected viewer: its handshake, its messages and its input."""
