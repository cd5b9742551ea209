"""What this installation was told: tocsin.toml, the environment and flags, as checked values."""
