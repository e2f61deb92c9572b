"""Building components: the order, the tools, what is up to date and why."""
