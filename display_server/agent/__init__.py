"""The process that shows one desktop: frames out, input in."""
