"""The process that starts one desktop's X server, agent and programs, and restarts the agent."""
