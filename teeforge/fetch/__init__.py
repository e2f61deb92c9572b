"""Sources, by git commit and by SHA-256."""
