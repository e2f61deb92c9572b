"""A fuzzer of the commands that our patches give the system PTA: 20 (mprotect), 21 (watch) and 22 (seal)."""
