"""teeforge: a reproducible laboratory for WebAssembly inside a TrustZone TEE."""

__version__ = "0.2.0"
