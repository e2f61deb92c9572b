"""teeforge: a reproducible laboratory for WebAssembly inside a TrustZone TEE."""
