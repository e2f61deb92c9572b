"""Valid modules by the thousand, run by the TA's engine and by wasmtime, and what came of it compared."""
