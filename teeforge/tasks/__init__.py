"""The tasks by subject: what can be typed, with a help text for each option; what they do is elsewhere."""
