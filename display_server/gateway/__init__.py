"""The process that browsers talk to: TLS, sign-in, tickets, the relay and the static client."""
