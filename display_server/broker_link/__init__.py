"""What gateway and broker know about each other: messages, cookies, errors and the address of an agent."""
