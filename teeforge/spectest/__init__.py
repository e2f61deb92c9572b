"""`invoke spec-test`: the official testsuite of the WebAssembly specification, in the TEE."""
