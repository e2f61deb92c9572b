"""SSH: connections, what runs over them, and the host's own `ssh` program."""
