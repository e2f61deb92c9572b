"""WebAssembly modules and AOT files: reading them, compiling them, judging whether they run."""
