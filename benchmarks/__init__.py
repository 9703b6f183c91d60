"""Measures browser remote desktops side by side in one run, as the person in the browser experiences them."""
