"""From C and C++ to a WebAssembly module."""
