"""What Tocsin notices by itself: probes that ask, and what is read of logs and numbers. Findings become alerts."""
