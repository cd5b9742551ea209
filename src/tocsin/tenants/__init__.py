"""Several organisations in one installation: an `App` for each, chosen by the host that a request names."""
