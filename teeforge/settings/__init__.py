"""What the user says: config.yaml, recipes, debian.lock, and where things lie."""
