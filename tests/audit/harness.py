"""`python -m tests.audit.harness [TRIALS]`: twelve attacks by three attackers; honest logs in between."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.audit.test_tamper import KINDS, attack_is_found


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for kind in KINDS:
        for power in (1, 2, 3):
            for seed in range(trials):
                with tempfile.TemporaryDirectory() as folder:
                    attack_is_found(Path(folder), kind, power, seed)
            sys.stdout.write(f"{kind}, attacker {power}: {trials} of {trials} found\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
