"""Running programs: once, at each save, and the official WASI suite."""
