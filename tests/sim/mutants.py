"""`make mutants`: plants known bugs, one at a time, in a copy of src/, and expects the named tests to notice each.

First the named tests must pass without a bug. Ends with 1 when a bug is missed, or when it can no longer be planted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sim.planted import MUTANTS as FIRST, Mutant
from tests.sim.planted_after import AFTER
from tests.sim.planted_bounds import BOUNDS
from tests.sim.planted_detect import DETECT
from tests.sim.planted_faces import FACES
from tests.sim.planted_guide import GUIDE_SHOWN
from tests.sim.planted_ladders import READ_LADDERS
from tests.sim.planted_limits import READ_LIMITS
from tests.sim.planted_night import NIGHT
from tests.sim.planted_porch import PORCH
from tests.sim.planted_probes import PROBES
from tests.sim.planted_proof import PROOF
from tests.sim.planted_runs import RUNS
from tests.sim.planted_saying import SAYING
from tocsin.clock import monotonic

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
LIMIT_SECONDS = 180  # of processor time; a bug that makes a test run for ever is noticed too, a busy machine is none
ALL_SECONDS = 3_600  # for all the named tests together, without a bug
LIMIT = "TOCSIN_MUTANT_SECONDS"
HANG_SECONDS = 1_200  # a bug that makes a test wait for ever
WORKERS = 2
NOT_THE_COPY = 99
MUTANTS = (
    *FIRST,
    *SAYING,
    *PROOF,
    *READ_LADDERS,
    *READ_LIMITS,
    *BOUNDS,
    *NIGHT,
    *AFTER,
    *GUIDE_SHOWN,
    *RUNS,
    *DETECT,
    *PROBES,
    *FACES,
    *PORCH,
)

# The copy must be what is imported, whatever is installed; pytest's own codes: 0 passed, 1 failed, more: never ran.
BOOT = f"""
import os
import resource
import sys
import tocsin
if not tocsin.__file__.startswith(sys.argv[1]):
    sys.exit({NOT_THE_COPY})
resource.setrlimit(resource.RLIMIT_CPU, (int(os.environ[{LIMIT!r}]),) * 2)
lives, paths = int(sys.argv[2]), sys.argv[3:]
if paths:
    import pytest
    code = pytest.main(["-x", "-p", "no:cacheprovider", "--hypothesis-seed=1", *paths])
    if code:
        sys.exit(int(code))
from tests.sim.lives import live
for seed in range(lives):
    try:
        live(seed)
    except AssertionError:
        sys.exit(1)
"""


class CannotPlant(Exception):
    """The list is out of date: the text that a bug replaces is not there exactly once."""


def planted(mutant: Mutant, source: Path = SOURCE) -> str:
    """The text of the mutant's file with its bug in it. Raises CannotPlant."""
    text = (source / "tocsin" / mutant.file).read_text()
    for old, new in mutant.edits:
        if text.count(old) != 1:
            raise CannotPlant(f"{mutant.name}: expected {old!r} once in {mutant.file}, got {text.count(old)}")
        text = text.replace(old, new)
    return text


def noticed(mutant: Mutant | None, tests: Iterable[str]) -> tuple[str, float, str]:
    """What became of the tests on a copy with the bug: passed, failed, hung or broken; seconds; the output's end."""
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="tocsin-mutant-") as place:
        copy = Path(place) / "src"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        if mutant is not None:
            (copy / "tocsin" / mutant.file).write_text(planted(mutant, copy))
        verdict, output = _run(copy, Path(place), tuple(tests), ALL_SECONDS if mutant is None else LIMIT_SECONDS)
    return verdict, monotonic() - began, output


def _run(copy: Path, place: Path, tests: tuple[str, ...], limit: int) -> tuple[str, str]:
    lives = max((int(each.removeprefix("sim:")) for each in tests if each.startswith("sim:")), default=0)
    paths = [each for each in tests if not each.startswith("sim:")]
    settings = {
        "PYTHONPATH": os.pathsep.join((str(copy), str(ROOT))),
        LIMIT: str(limit),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(place / "hypothesis"),
    }
    command = [sys.executable, "-c", BOOT, str(copy), str(lives), *paths]
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=max(HANG_SECONDS, limit),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hung", f"no end within {max(HANG_SECONDS, limit)} s"
    if ended.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "hung", f"no end within {limit} s of processor time"
    said = {0: "passed", 1: "failed"}.get(ended.returncode, "broken")
    if ended.returncode == NOT_THE_COPY:
        return said, "another tocsin than the copy was imported"
    return said, ended.stdout[-3000:]


def tried(mutant: Mutant) -> tuple[Mutant, str, float, str]:
    try:
        verdict, seconds, output = noticed(mutant, mutant.tests)
    except CannotPlant as error:
        return mutant, "GONE", 0.0, str(error)
    word = {"failed": "caught", "hung": "hung", "passed": "MISSED"}.get(verdict, "BROKEN")
    return mutant, word, seconds, output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument(
        "--verbose", action="store_true", help="show what the tests said of a mutant that is not caught"
    )
    chosen = parser.parse_args()
    mutants = [each for each in MUTANTS if chosen.only in each.name]
    began = monotonic()
    every = sorted({test for each in mutants for test in each.tests})
    verdict, seconds, output = noticed(None, every)
    print(f"without a bug: {verdict}  {seconds:.1f} s", flush=True)
    if verdict != "passed":
        print(output)
        return 1
    bad = 0
    with ThreadPoolExecutor(chosen.workers) as pool:
        for mutant, word, seconds, output in pool.map(tried, mutants):
            print(f"{word:7} {seconds:5.1f} s  {mutant.name}", flush=True)
            if word not in ("caught", "hung"):
                bad += 1
                if chosen.verbose or word == "GONE":
                    print(output, flush=True)
    print(f"{len(mutants)} planted bugs, {len(mutants) - bad} caught, {bad} not, in {monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
