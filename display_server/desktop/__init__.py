"""What a desktop is: specification, profiles, X11, input method and display check."""
