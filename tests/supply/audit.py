"""`make audit-deps`: whether a locked requirement has a known vulnerability, and whether every licence was decided on.

Asks OSV (https://osv.dev) once, for all of them. Exit 0: none known; 1: at least one, or a licence that nobody decided
on; 4: the service could not be asked, so nothing is known, which fails no build.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.supply.parts import REQUIREMENTS, Part, locked, undecided, vendored

SERVICE = "https://api.osv.dev/v1/querybatch"
SECONDS = 20.0
FINE, FOUND, UNKNOWN = 0, 1, 4
ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}

ACCEPTED: dict[str, str] = {}
"""Advisory -> why it does not concern us. An entry needs a decision in docs/decisions/."""


class Unreachable(Exception):
    """The service gave no answer that can be used; the text says why."""


def known(parts: Sequence[Part], service: str) -> list[str]:
    """`name version: advisory` for everything that the service knows against these. Raises Unreachable."""
    queries = [
        {"package": {"name": part.name, "ecosystem": ECOSYSTEMS[part.ecosystem]}, "version": part.version}
        for part in parts
    ]
    request = Request(service, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=SECONDS) as answer:
            results: list[dict[str, Any]] = json.load(answer)["results"]
    except (OSError, ValueError, KeyError) as error:
        raise Unreachable(f"{service}: {error}") from error
    if len(results) != len(parts):
        raise Unreachable(f"{service}: expected {len(parts)} results, got {len(results)}")
    return [
        f"{part.name} {part.version}: {row['id']}"
        for part, result in zip(parts, results, strict=True)
        for row in (result or {}).get("vulns") or ()
        if row["id"] not in ACCEPTED
    ]


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", default=SERVICE)
    parser.add_argument("--requirements", type=Path, default=REQUIREMENTS)
    asked = parser.parse_args(words)
    parts = [*locked(asked.requirements), *vendored()]
    licences = undecided(parts)
    for each in licences:
        sys.stdout.write(f"licence: {each}: decide on it in docs/decisions/ and tests/supply/parts.py\n")
    try:
        found = known(parts, asked.service)
    except Unreachable as error:
        sys.stdout.write(f"vulnerabilities: could not be decided, {error}\n")
        return FOUND if licences else UNKNOWN
    for each in found:
        sys.stdout.write(f"vulnerable: {each}\n")
    sys.stdout.write(f"{len(parts)} parts, {len(found)} known vulnerabilities, {len(licences)} licences to decide on\n")
    return FOUND if found or licences else FINE


if __name__ == "__main__":
    sys.exit(main())
