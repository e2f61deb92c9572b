"""The site: pages of docs/, what is made of the sources in them, and recordings."""
