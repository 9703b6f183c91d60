"""The list of Hanja at the caret: what ibus calls its panel, and of that the list alone.

It stands beside ibus and not in it: without it a person chooses blindly, but types on.
"""
