"""Planted bugs of what is noticed in logs, numbers and code. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

FOLLOW = "tests/detect/test_follow.py"
LOGS = "tests/detect/test_logwatching.py"
QUERIES = "tests/detect/test_queries.py"
CODE = "tests/detect/test_code.py"
NUMBERS = "tests/core/test_metricwatch.py"

DETECT: tuple[Mutant, ...] = (
    _bug(
        "logs: the end of a file that was renamed is lost",
        "detect/follow.py",
        "            yield Piece(path, rest), more\n",
        "            yield Piece(path, []), more\n",
        FOLLOW,
    ),
    _bug(
        "logs: a file that was truncated and is longer again goes on in its middle",
        "detect/follow.py",
        "elif size < place.offset or not _same_head(descriptor, place):",
        "elif size < place.offset:",
        FOLLOW,
    ),
    _bug(
        "logs: a new name is a new file",
        "detect/follow.py",
        "        for path, place in moved.items():\n            self._drop(path)\n",
        "        for path, place in ():\n            self._drop(path)\n",
        FOLLOW,
    ),
    _bug(
        "logs: a line is read before it is whole",
        "detect/follow.py",
        "    if not end and len(data) >= LINE_BYTES_MAX:",
        "    if not end:",
        FOLLOW,
    ),
    _bug(
        "logs: secrets stand in alerts", "detect/tally.py", "line = redact(text[: SAMPLE_MAX * 2])", "line = text", LOGS
    ),
    _bug(
        "logs: a new error opens a second incident",
        "detect/logwatching.py",
        "for each, alarm in new if not alarm.beside]",
        "for each, alarm in new]",
        LOGS,
    ),
    _bug(
        "logs: words that take turns are new errors",
        "detect/tally.py",
        "found is None and text not in shapes.wide",
        "found is None",
        LOGS,
    ),
    _bug(
        "logs: what was counted is forgotten with a restart",
        "detect/logwatching.py",
        "if known is not None and known.window.seconds == rule.within_seconds:",
        "if known is None and rule.name:",
        LOGS,
    ),
    _bug(
        "queries: silence is recovery",
        "detect/queries.py",
        "            self.unanswered_since = self.unanswered_since or now\n",
        "            self.unanswered_since, self.findings = self.unanswered_since or now, []\n",
        QUERIES,
    ),
    _bug(
        "queries: an alert waits again after a restart",
        "detect/queries.py",
        "if each.labels == labels), None)",
        "if not each.labels), None)",
        QUERIES,
    ),
    _bug(
        "numbers: one bad week moves what is usual",
        "core/metricwatch.py",
        "spread = SPREAD * median(abs(value - middle) for value in found)",
        "spread = SPREAD * (found[-1] - found[0])",
        NUMBERS,
    ),
    _bug(
        "numbers: a disk that fills is judged the wrong way round",
        "core/metricwatch.py",
        "-slope if down else slope",
        "slope if down else -slope",
        NUMBERS,
    ),
    _bug(
        "review: what a runbook fits is to be added to the guide too",
        "core/reviewing.py",
        " or bool(fitting(policy, incident))",
        "",
        "tests/core/test_reviewing.py",
    ),
    _bug(
        "code: a variable is not followed to what made it",
        "detect/codenames.py",
        "                    _bind(found, target, dotted(value, {**names, **found}))",
        "                    _bind(found, target, '')",
        CODE,
    ),
    _bug(
        "code: a limit around a wait is not seen",
        "detect/code.py",
        "bounded=here.bounded or not TIMEOUT_BLOCKS.isdisjoint(made)",
        "bounded=here.bounded",
        CODE,
    ),
    _bug(
        "code: a retry that rests is one that does not",
        "detect/code.py",
        "if any(isinstance(each, ast.Call) and _pauses(each, here.names) for each in inside):",
        "if any(isinstance(each, ast.Call) and not inside for each in inside):",
        CODE,
    ),
)
