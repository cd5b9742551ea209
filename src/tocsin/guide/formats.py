"""Findings as text with the quoted line, as JSON, and as SARIF 2.1.0 for code hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from tocsin.core.policy import Finding
from tocsin.guide.rules import BY_ID, RULES

QUOTE_CHARS_MAX = 160

_COUNTED = ("error", "warning", "note")


def as_text(findings: Sequence[Finding], lines: Mapping[str, Sequence[str]]) -> str:
    """One paragraph per finding: where, what, the line itself, how to mend it; then how many there are."""
    parts = []
    for each in findings:
        file = each.file or "guide"
        parts.append(f"{file}:{each.line}: {each.level}: {printable(each.message)} [{each.rule}]")
        text = lines.get(file, ())
        if 0 < each.line <= len(text) and text[each.line - 1].strip():
            parts.append(f"    | {printable(text[each.line - 1].strip())[:QUOTE_CHARS_MAX]}")
        if each.hint:
            parts.append(f"    = {each.hint}")
    counts = [(sum(each.level == level for each in findings), level) for level in _COUNTED]
    parts.append(", ".join(f"{count} {level}{'' if count == 1 else 's'}" for count, level in counts))
    return "\n".join(parts)


def printable(text: str) -> str:
    """The text without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    return {"findings": [msgspec.to_builtins(each) for each in findings]}


class Rule(Protocol):
    """What a finding's rule says of itself."""

    @property
    def id(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def mend(self) -> str: ...


def as_sarif(
    findings: Sequence[Finding],
    version: str,
    lines: Mapping[str, Sequence[str]],
    *,
    rules: Sequence[Rule] = RULES,
    tool: str = "tocsin guide lint",
) -> dict[str, Any]:
    """A SARIF log with the rules that fired; lines that a file does not have are not claimed."""
    fired = [rule for rule in rules if any(each.rule == rule.id for each in findings)]
    order = {rule.id: n for n, rule in enumerate(fired)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": tool,
                        "version": version,
                        "rules": [
                            {
                                "id": rule.id,
                                "shortDescription": {"text": rule.title},
                                "fullDescription": {"text": rule.why},
                                "help": {"text": rule.mend},
                                "defaultConfiguration": {"level": rule.level},
                            }
                            for rule in fired
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, order, lines) for each in findings],
            }
        ],
    }


def _result(finding: Finding, order: dict[str, int], lines: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    file = finding.file or "guide"
    text = lines.get(file, ())
    region: dict[str, Any] = {"startLine": min(finding.line, max(len(text), 1)) if text else finding.line}
    if 0 < finding.line <= len(text):
        region["snippet"] = {"text": text[finding.line - 1]}
    hint = f" {finding.hint}" if finding.hint else ""
    return {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": finding.level,
        "message": {"text": finding.message + ("" if finding.message.endswith(".") else ".") + hint},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}],
    }


def _uri(file: str) -> str:
    """A relative reference: SARIF viewers resolve it against the repository."""
    return "".join(letter if (letter.isascii() and letter.isalnum()) or letter in "/._-~" else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace")) for letter in file)  # fmt: skip


def known_rule(name: str) -> bool:
    return name in BY_ID
