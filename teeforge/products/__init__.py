"""What was built: the local store, and a remote one held to products.lock."""
