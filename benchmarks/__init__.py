"""The yardstick: remote desktops measured as the person in the browser gets them, side by side in one run."""
