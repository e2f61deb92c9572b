"""Measuring: start-up and speed in the TEE, and the loop as a user sees it."""
