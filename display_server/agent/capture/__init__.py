"""Eyes on the desktop: framebuffers, damage, the pointer's shape."""
