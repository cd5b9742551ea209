"""Where captured payloads and guides lie that are read in place and never copied: beside the checkout."""

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
