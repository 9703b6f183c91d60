"""The one privileged process: it starts and ends the containers of desktops, and does nothing else."""
