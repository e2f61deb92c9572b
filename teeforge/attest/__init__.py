"""Evidence of what runs in a TEE, as a relying party sees it: tokens, keys, reference values, a verdict."""
