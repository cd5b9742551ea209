"""What the compiler writes down while it reads: findings, and the lines it has used."""

from __future__ import annotations

from typing import Literal

from tocsin.core.policy import Finding

FINDINGS_MAX = 2000  # a file that is one long mistake is described well enough by its first two thousand


class Notes:
    """Collects findings; the same finding twice on one line is one finding."""

    def __init__(self, file: str | None = None) -> None:
        self.file = file
        self._found: dict[tuple[str, int, str], Finding] = {}
        self.used: set[int] = set()

    def add(
        self, rule: str, level: Literal["error", "warning", "note"], line: int, message: str, hint: str = ""
    ) -> None:
        if len(self._found) < FINDINGS_MAX:
            key = (rule, line, message)
            self._found.setdefault(
                key, Finding(rule=rule, level=level, line=max(line, 1), message=message, hint=hint, file=self.file)
            )

    def use(self, *lines: int) -> None:
        """These lines became part of the policy."""
        self.used.update(lines)

    def findings(self) -> list[Finding]:
        """By line, then rule."""
        return sorted(self._found.values(), key=lambda finding: (finding.line, finding.rule, finding.message))
