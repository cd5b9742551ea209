"""The public status page: what it shows, who is told, what is pushed elsewhere, and the copy that survives us."""
