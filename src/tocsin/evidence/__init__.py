"""Where the content of evidence is kept: redacted, sealed, addressed by its hash. Knows the core and nobody else."""
