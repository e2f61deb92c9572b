"""Boards and machines over SSH: connections, pushing, running, consoles."""
