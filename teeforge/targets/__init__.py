"""Boards and machines as targets: pushing, folders, terminals."""
