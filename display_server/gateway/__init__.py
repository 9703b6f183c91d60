"""The public front of a server: TLS, sign-in, tickets, the WebSocket relay and the static web client."""
