"""Measuring: start-up, code and compiling, in the TEE and beside it."""
