"""What Tocsin is made of: the locked requirements, with hashes and licences, and the vendored files of the pages."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements.txt"
VENDOR = ROOT / "src" / "tocsin" / "web" / "static" / "vendor"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^\s+#\s+(?:via\s+)?([A-Za-z0-9._-]+)(?:\s+\(.*\))?\s*$")

SAID = {  # where a package says its licence in other words than SPDX's: by name, from its own licence file
    "blinker": "MIT",
    "google-re2": "BSD-3-Clause",
    "itsdangerous": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "multipart": "MIT",
    "py-vapid": "MPL-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "rich-click": "MIT",
    "uvloop": "Apache-2.0 OR MIT",
}
SPDX = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
PERMISSIVE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "Unlicense", "Zlib"}
)
DECIDED = {  # copyleft, each with the decision that takes it: used unmodified, as a library
    "LGPL-3.0-or-later": "docs/decisions/0120-which-licences-we-take.md",
    "MPL-2.0": "docs/decisions/0120-which-licences-we-take.md",
}


class Part(NamedTuple):
    """`licence`: an SPDX expression, "" where nothing says it. `needed_by`: who brings it, by name."""

    name: str
    version: str
    ecosystem: str
    licence: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:{self.ecosystem}/{self.name}@{self.version}"


def plain(name: str) -> str:
    """A package's name as PyPI writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path = REQUIREMENTS) -> list[Part]:
    """Every pinned requirement. Raises ValueError for one without a hash."""
    found: list[Part] = []
    name, version, hashes, parents = "", "", [""], [""]

    def done() -> None:
        if not name:
            return
        if not hashes:
            raise ValueError(f"{path}: {name}: expected hashes")
        found.append(Part(plain(name), version, "pypi", licence(name), tuple(hashes), tuple(map(plain, parents))))

    for line in path.read_text().splitlines():
        if pin := _PIN.match(line):
            done()
            name, version, hashes, parents = pin[1], pin[2], [], []
        hashes += _HASH.findall(line)
        if (via := _VIA.match(line)) and name and via[1] != "via":
            parents.append(via[1])
    done()
    return found


def vendored(folder: Path = VENDOR) -> list[Part]:
    """The files that pages load and that others wrote."""
    rows = json.loads((folder / "VENDOR.json").read_text())
    return [Part(row["name"], row["version"], "npm", row["license"], (row["sha256"],), ("tocsin",)) for row in rows]


def licence(name: str) -> str:
    """The SPDX expression of an installed package."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return SAID.get(plain(name), "")
    said = told.get("License-Expression") or SAID.get(plain(name))
    if said:
        return str(said)
    classified = [
        each.rpartition("::")[2].strip() for each in told.get_all("Classifier") or [] if each.startswith("Lic")
    ]
    for each in (str(told.get("License") or ""), *classified):
        if each in PERMISSIVE or each in DECIDED:
            return each
        if each.casefold() in SPDX:
            return SPDX[each.casefold()]
    return ""


def undecided(parts: list[Part]) -> list[str]:
    """Whose licence is unknown, or copyleft without a decision. Of `A OR B` one is enough, of `A AND B` both count."""
    return [f"{part.name}: {part.licence or 'no licence is known'}" for part in parts if not _taken(part.licence)]


def _taken(expression: str) -> bool:
    both = [each.strip("() ") for each in expression.split(" AND ")]
    return all(
        any(one.strip("() ") in PERMISSIVE or one.strip("() ") in DECIDED for one in each.split(" OR "))
        for each in both
    )
