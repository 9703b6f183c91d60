"""The candidate window of the desktop's input method: an ibus panel that shows the lookup table of Hanja.

It runs in a process of its own. When it crashes, people lose the window until it is restarted, but ibus keeps
every key that they type.
"""
