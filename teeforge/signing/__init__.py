"""Signatures of modules: keys, the manifest that is signed, and who signs."""
