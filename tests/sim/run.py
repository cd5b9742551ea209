"""`make sim`: ten thousand simulated lives. Prints the first seed, and the seed of every life that ended badly."""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import sys
import traceback

from tests.sim.lives import live


def lived(seed: int) -> tuple[int, str]:
    try:
        live(seed)
    except AssertionError:
        return seed, traceback.format_exc(limit=6)
    return seed, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    chosen = parser.parse_args()
    print(f"{chosen.lives} lives from seed {chosen.seed}", flush=True)
    bad = 0
    with multiprocessing.Pool(chosen.workers) as pool:
        seeds = range(chosen.seed, chosen.seed + chosen.lives)
        for seed, trouble in pool.imap_unordered(lived, seeds, chunksize=20):
            if trouble:
                bad += 1
                print(f"seed {seed}\n{trouble}", file=sys.stderr, flush=True)
                if bad >= 5:
                    break
    print(f"{chosen.lives} lives, {bad} ended badly" if bad < 5 else "stopped after 5 bad ends")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
