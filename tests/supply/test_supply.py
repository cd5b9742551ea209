"""The bill of materials is whole and well formed; the audit finds what is known, and says when it cannot know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.server import answering
from tests.supply import audit
from tests.supply.parts import DECIDED, REQUIREMENTS, ROOT, Part, locked, undecided, vendored
from tests.supply.sbom import bill, main

PURL = re.compile(r"pkg:(pypi/[a-z0-9-]+|npm/[a-z0-9.-]+)@[A-Za-z0-9.+!-]+")
URN = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def hashes_of(component: dict[str, Any]) -> list[dict[str, str]]:
    outside = [each for one in component.get("externalReferences", []) for each in one["hashes"]]
    return [*component.get("hashes", []), *outside]


def test_the_bill_is_cyclonedx_and_says_of_every_part_what_it_is():
    document = bill()

    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert URN.fullmatch(document["serialNumber"])
    assert document["metadata"]["component"]["name"] == "tocsin"
    for each in document["components"]:
        assert each["type"] == "library" and each["name"] and each["version"], each
        assert PURL.fullmatch(each["purl"]) and each["bom-ref"] == each["purl"]
        assert hashes_of(each), each["name"]
        assert all(one["alg"] == "SHA-256" and re.fullmatch(r"[0-9a-f]{64}", one["content"]) for one in hashes_of(each))
        (licence,) = each["licenses"]
        assert (
            re.fullmatch(r"[A-Za-z0-9.-]+", licence["license"]["id"]) if "license" in licence else licence["expression"]
        )
    refs = [each["bom-ref"] for each in document["components"]]
    assert len(refs) == len(set(refs))


def test_the_bill_names_every_locked_package_and_every_vendored_file():
    document = bill()
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    named = {(each["name"], each["version"]) for each in document["components"]}

    assert {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in pinned} <= named
    found = {one["content"] for each in document["components"] for one in hashes_of(each)}
    assert set(re.findall(r"sha256:([0-9a-f]{64})", REQUIREMENTS.read_text())) <= found
    assert {each.hashes[0] for each in vendored()} <= found


def test_who_needs_what_leads_from_tocsin_to_every_part():
    document = bill()
    needs = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    known = {document["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in document["components"])}
    reached, waiting = set(), [document["metadata"]["component"]["bom-ref"]]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs[ref]

    assert set(needs) == known
    build_tools = {ref for ref in known if ref.partition("/")[2].partition("@")[0] in ("setuptools", "wheel", "pip")}
    assert known - reached <= build_tools


def test_the_bill_is_written_the_same_twice(tmp_path: Path):
    for name in ("one", "two"):
        assert main([str(tmp_path / "dist" / name)]) == 0
    one, two = ((tmp_path / "dist" / name).read_bytes() for name in ("one", "two"))
    assert one == two and json.loads(one) == bill()


def test_every_licence_is_permissive_or_decided_on():
    assert undecided([*locked(), *vendored()]) == []
    for decision in DECIDED.values():
        assert (ROOT / decision).is_file()


@pytest.mark.parametrize(
    ("licence", "taken"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("Apache-2.0 AND MIT", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("", False),
    ],
)
def test_copyleft_needs_a_decision(licence: str, taken: bool):
    part = Part("x", "1", "pypi", licence, ("0" * 64,), ())
    assert (undecided([part]) == []) is taken


def test_a_requirement_without_a_hash_is_refused(tmp_path: Path):
    (tmp_path / "r.txt").write_text("jinja2==3.1.6\n    # via tocsin\n")
    with pytest.raises(ValueError, match="expected hashes"):
        locked(tmp_path / "r.txt")


@contextmanager
def osv(vulnerable: dict[tuple[str, str], str], count: int) -> Iterator[str]:
    """A service that knows these advisories; `count` results."""
    names = [(part.name, part.version) for part in [*locked(), *vendored()]]
    results = [{"vulns": [{"id": vulnerable[each]}]} if each in vulnerable else {} for each in names][:count]
    with answering() as server:
        server.says("POST", "/v1/querybatch", {"results": results})
        yield f"{server.url}/v1/querybatch"


def test_a_known_vulnerable_version_fails_the_audit(capsys: pytest.CaptureFixture[str]):
    (jinja,) = (part for part in locked() if part.name == "jinja2")
    with osv({("jinja2", jinja.version): "GHSA-cpwx-vrp4-4pq7"}, 10_000) as service:
        assert audit.main(["--service", service]) == audit.FOUND
    assert f"jinja2 {jinja.version}: GHSA-cpwx-vrp4-4pq7" in capsys.readouterr().out

    with osv({}, 10_000) as service:
        assert audit.main(["--service", service]) == audit.FINE


def test_an_audit_that_cannot_ask_says_so_and_fails_no_build(capsys: pytest.CaptureFixture[str]):
    assert audit.main(["--service", "http://127.0.0.1:1/v1/querybatch"]) == audit.UNKNOWN
    with osv({}, 3) as service:
        assert audit.main(["--service", service]) == audit.UNKNOWN
    assert capsys.readouterr().out.count("could not be decided") == 2
