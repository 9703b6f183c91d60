"""The HTTP interface of the broker, and what gateways ask of it."""
