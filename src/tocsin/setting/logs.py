"""`[[logs]]`: what Tocsin reads itself, as configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tocsin.core.logwatch import (
    COUNT_MAX,
    KNOWN,
    WITHIN_MAX,
    ErrorShare,
    LogRule,
    LogWatch,
    compiled,
    rule_said,
    share_said,
)
from tocsin.setting.kinds import Wrong, labels, name, one_of, span, text, whole, words
from tocsin.setting.row import REQUIRED, Setting, row as _row

RULES_MAX = 50  # of one log: each is asked of every line
DAY = 86_400


def _files(value: Any) -> tuple[str, ...]:
    """Names of files; `**` only as a whole part of a path."""
    found = words(value)
    if not found:
        raise Wrong("at least one file")
    for each in found:
        parts = [part for part in each.split("/") if part not in ("", ".")]
        if not parts or not each.isprintable() or any("**" in part and part != "**" for part in parts):
            raise Wrong("files such as /var/log/shop/*.log or app/**/*.log", repr(each)[:80])
    return found


def _rules(value: Any) -> tuple[LogRule, ...]:
    if not isinstance(value, list):
        raise Wrong('a list such as ["error: 20 in 5m", { name = "memory", pattern = "(?i)out of memory" }]')
    if len(value) > RULES_MAX:
        raise Wrong(f"at most {RULES_MAX} rules")
    rules = tuple(_rule(each) for each in value)
    twice = next((each.name for n, each in enumerate(rules) if each.name in {one.name for one in rules[:n]}), "")
    if twice:
        raise Wrong("rules with names of their own", repr(twice))
    return rules


def _rule(value: Any) -> LogRule:
    if isinstance(value, str):
        try:
            return rule_said(value)
        except ValueError as error:
            raise Wrong(str(error), repr(value)[:80]) from None
    known = ("name", "pattern", "count", "within", "severity")
    if not isinstance(value, dict) or not value.keys() <= set(known) or "name" not in value:
        raise Wrong(f"tables of {', '.join(known)}, of which name is needed")
    like = KNOWN.get(str(value["name"]))
    if like is None and "pattern" not in value:
        raise Wrong(f"a pattern, or one of the names {', '.join(KNOWN)}", repr(value["name"])[:80])
    pattern = text(value["pattern"]) if "pattern" in value else like.pattern if like else ""
    try:
        compiled(pattern)
    except ValueError as error:
        raise Wrong("a pattern in RE2's syntax", f"{pattern[:60]!r}: {error}") from None
    return LogRule(
        name=name(value["name"]),
        pattern=pattern,
        count=whole(1, COUNT_MAX)(value.get("count", like.count if like else 1)),
        within_seconds=span(1, WITHIN_MAX)(value.get("within", like.within_seconds if like else 300)),
        severity=name(value["severity"]) if "severity" in value else "",
    )


def _share(value: Any) -> ErrorShare:
    try:
        return share_said(text(value))
    except ValueError as error:
        raise Wrong(str(error)) from None


LOGS: tuple[Setting, ...] = (
    _row("logs[].name", name, REQUIRED, "A short name: the label `log` of its alerts, which come from the source "
         "`log:NAME`."),
    _row("logs[].files", _files, REQUIRED, "The files, with `*` and `**`; from the folder of this file on, where they "
         "do not begin with `/`.", unit="files"),
    _row("logs[].format", one_of("lines", "journal"), "lines", "What is in them: lines of text or JSON, or what "
         "`journalctl -o export` writes.", unit="lines or journal"),
    _row("logs[].service", name, None, "What it is about."),
    _row("logs[].severity", name, "error", "The severity label of its alerts."),
    _row("logs[].labels", labels, {}, "More labels of its alerts."),
    _row("logs[].rules", _rules, (), "How many lines of what are too many: `error`, `critical`, `attack` and `auth` "
         'are known, alone or as `"error: 20 in 5m"`; a pattern of your own is a table `{name, pattern, count, within, '
         "severity}`.", shown="none"),
    _row("logs[].error_rate", _share, None, 'The share of error lines that is too high, such as `"5% in 5m"`; of 20 '
         "lines at least.", shown="none"),
    _row("logs[].new_errors", whole(0, 10_000), 3, "An error that was never seen in this log is told after so many "
         "lines of it; 0 for never."),
    _row("logs[].new_severity", name, "warning", "The severity label of that."),
    _row("logs[].growth", whole(0, 1_000), 5, "An error is told when it comes so many times as often as it ever does, "
         "within 5 minutes; 0 for never."),
    _row("logs[].learn", span(0, 30 * DAY), 3600, "How long after the first look no error is new, because all are.",
         unit="time", shown='"1h"'),
)  # fmt: skip


def log_watches(rows: list[dict[str, Any]], file: Path | None) -> tuple[LogWatch, ...]:
    """Files that do not begin at the root are beside the configuration."""
    folder = file.parent.absolute() if file is not None else Path.cwd()
    return tuple(
        LogWatch(
            name=row["name"],
            files=tuple(str(folder / each) for each in row["files"]),
            format=row["format"],
            service=row["service"],
            severity=row["severity"],
            labels=row["labels"],
            rules=row["rules"],
            error_share=row["error_rate"],
            new_errors=row["new_errors"],
            new_severity=row["new_severity"],
            growth=row["growth"],
            learn_seconds=row["learn"],
        )
        for row in rows
    )
