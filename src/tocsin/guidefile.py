"""A guide on disk as the server takes it: Markdown is compiled and linted, YAML and JSON are read as they are."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import msgspec

from tocsin.core.policy import BusinessHours, Finding, Policy

MARKDOWN = (".md", ".markdown", ".txt")
CALENDAR = "GUIDE-CALENDAR"  # the finding of a guide that counts in business time and states no hours
POLICY = (".yaml", ".yml", ".json")


class GuideFile(msgspec.Struct, frozen=True, kw_only=True):
    """One guide: its name (the file's stem), where it is, what it was compiled to and what is wrong with it.

    Only a `status` of "active" is put in force without somebody saying so; "draft", "not started" and "no policy"
    are what the text says of itself.
    """

    name: str
    file: str
    policy: Policy
    findings: tuple[Finding, ...] = ()
    status: str = "active"


def read_guide(path: Path) -> GuideFile:
    """The guide or policy in the file; the SHA-256 of a guide's bytes stands in `policy.metadata["guide_sha256"]`.

    Raises OSError, or ValueError naming the file and what is wrong: no text, no policy file, or a policy that cannot
    work as it stands.
    """
    data = path.read_bytes()
    if path.suffix in POLICY:
        policy = import_module("tocsin.policyfile").load(data.decode("utf-8", "replace"), path.name)
        return GuideFile(name=path.stem, file=str(path), policy=policy, findings=policy.findings)
    if path.suffix not in MARKDOWN:
        expected = "a guide (.md) or a policy (.yaml, .json)"
        raise ValueError(f"{path}: expected {expected}, got {path.suffix or 'no suffix'}")
    compiled = import_module("tocsin.guide.compile").compile_guide(data, path.name)  # a restart needs no compiler
    found: tuple[Finding, ...] = tuple(import_module("tocsin.guide.lint").lint(compiled))
    unreadable = next((each for each in found if each.rule == "GUIDE-UNREADABLE"), None)
    if unreadable:
        raise ValueError(f"{path}: {unreadable.message}")
    hours = next((each for each in found if each.rule == "GUIDE-HOURS" and each.level == "error"), None)
    if hours:
        raise ValueError(f"{path}:{hours.line}: {hours.message}")
    flaws = import_module("tocsin.core.policycheck").flaws(compiled.policy)
    wrong = next((flaw for flaw in flaws if flaw.level == "error"), None)
    if compiled.policy.severities and wrong:
        raise ValueError(f"{path}: {wrong.field}: {wrong.message}")
    metadata = {**compiled.policy.metadata, "guide_sha256": compiled.sha256}
    policy = msgspec.structs.replace(compiled.policy, metadata=metadata, findings=found)
    return GuideFile(name=path.stem, file=str(path), policy=policy, findings=found, status=compiled.status)


def with_hours(guide: GuideFile, default: BusinessHours | None) -> GuideFile:
    """The same guide; where it states no business hours, the installation's count, and no finding asks for them."""
    if default is None or guide.policy.business_hours is not None:
        return guide
    found = tuple(each for each in guide.findings if each.rule != CALENDAR)
    policy = msgspec.structs.replace(guide.policy, business_hours=default, findings=found)
    return msgspec.structs.replace(guide, policy=policy, findings=found)
