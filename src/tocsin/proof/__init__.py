"""The record proves itself: its signed heads, evidence in keeping, files that leave, and contents that go."""
