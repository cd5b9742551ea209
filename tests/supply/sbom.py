"""`make sbom`: the software bill of materials, CycloneDX 1.6 JSON, from the locked requirements and the vendored files.

Made by nothing but the lock, so that two runs over one checkout are the same bytes.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.supply.parts import Part, locked, vendored


def component(part: Part) -> dict[str, Any]:
    single = " " not in part.licence
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
        "licenses": [{"license": {"id": part.licence}} if single else {"expression": part.licence}],
    }
    hashes = [{"alg": "SHA-256", "content": each} for each in part.hashes]
    if part.ecosystem == "npm":
        return found | {"hashes": hashes}
    url = (
        f"https://pypi.org/project/{part.name}/{part.version}/"  # one hash for each of its files; pip takes one of them
    )
    return found | {"externalReferences": [{"type": "distribution", "url": url, "hashes": hashes}]}


def bill() -> dict[str, Any]:
    parts = sorted([*locked(), *_merged(vendored())])
    release = version("tocsin")
    root = f"pkg:pypi/tocsin@{release}"
    refs = {part.name: part.purl for part in parts} | {"tocsin": root}
    needs: dict[str, list[str]] = {ref: [] for ref in (root, *(part.purl for part in parts))}
    for part in parts:
        for parent in part.needed_by:
            if parent in refs:
                needs[refs[parent]].append(part.purl)
    content = [component(part) for part in parts]
    seed = json.dumps(content, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + seed)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "tocsin",
                "version": release,
                "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": content,
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(needs[ref]))} for ref in sorted(needs)],
    }


def _merged(parts: list[Part]) -> list[Part]:
    """Two files of one package are one component."""
    found: dict[str, Part] = {}
    for part in parts:
        before = found.get(part.purl)
        found[part.purl] = part._replace(hashes=(*before.hashes, *part.hashes)) if before else part
    return list(found.values())


def main(words: Sequence[str]) -> int:
    into = Path(words[0] if words else "dist/tocsin.cdx.json")
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(json.dumps(bill(), indent=1) + "\n")
    sys.stdout.write(f"{into}: {len(bill()['components'])} components\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
