"""`invoke xtest`: OP-TEE's own test suite, on the system with our patches and on the one without."""
