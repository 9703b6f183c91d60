"""The process that starts a desktop's X server, agent and programs, and restarts the agent when it dies."""
