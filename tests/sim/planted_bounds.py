"""Planted bugs of what is too much: texts, people and spans beyond what a fact holds. As `planted`."""

from __future__ import annotations

from tests.sim.planted import DIGEST, LADDER, Mutant, _bug

TEXTS = "tests/core/test_texts.py"
TOLD = "tests/core/test_notifying.py"
HARMLESS = "tests/cli/test_harmless.py"
LINGER = "tests/http/test_linger.py"
HOLDER = "tests/core/test_holder.py"
PLACES = "tests/core/test_places.py"
SLIPS = "tests/http/test_api_incidents.py"

BOUNDS: tuple[Mutant, ...] = (
    _bug(
        "bounds: a summary of any length is a title",
        "core/alert.py",
        'one_line(shortened(annotations.get("summary") or annotations.get("title") or "", TITLE_MAX))',
        'one_line(annotations.get("summary") or annotations.get("title") or "")',
        DIGEST,
    ),
    _bug(
        "bounds: a service of any length is an incident's",
        "core/triage.py",
        "service=service and shortened(service, SERVICE_MAX),",
        "service=service,",
        DIGEST,
    ),
    _bug(
        "bounds: a level of any size is one fact",
        "core/escalation.py",
        "    return _fitting(pages, PAGES_BYTES_MAX)\n",
        "    return tuple(pages)\n",
        LADDER,
    ),
    _bug(
        "bounds: a method may come after any time",
        "core/notifying.py",
        "max(0, min(after, AFTER_SECONDS_MAX))",
        "after",
        TOLD,
    ),
    _bug(
        "bounds: a zone that is none is asked for quiet hours",
        "core/notifying.py",
        "zone=_zone_of(person))",
        "zone=str(ZoneInfo(person.zone)))",
        TOLD,
    ),
    _bug(
        "bounds: a title keeps its line breaks and escapes",
        "core/texts.py",
        'return _NOT_IN_A_LINE.sub(" ", text).strip() if not text.isprintable() else text',
        "return text",
        TEXTS,
    ),
    _bug(
        "bounds: the command line prints what a terminal obeys",
        "cli/output.py",
        'return text if text.isascii() and text.isprintable() else _OBEYED.sub(" ", text)',
        "return text",
        HARMLESS,
    ),
    _bug(
        "bounds: a role goes to whoever nobody knows",
        "core/holder.py",
        "    if name in accounts or guest:\n",
        "    if name:\n",
        HOLDER,
    ),
    _bug(
        "bounds: a promise that there is none is waived",
        "core/worklog.py",
        "    if command.key not in owed:\n",
        "    if not owed:\n",
        SLIPS,
    ),
    _bug(
        "bounds: a private incident names whoever nobody knows",
        "core/privacy.py",
        '    if unknown:\n        raise ValueError(f"visible_to',
        '    if not words:\n        raise ValueError(f"visible_to',
        SLIPS,
    ),
    _bug(
        "bounds: a ticket is asked for where no tracker is",
        "core/worklog.py",
        "    if world.outside is not None and not any(each.name for each in known):\n",
        "    if world.outside is not None and not known:\n",
        PLACES,
    ),
    _bug(
        "bounds: a refused body resets the line",
        "http/linger.py",
        "    transport.write_eof()\n    transport.resume_reading()\n",
        "    transport.close()\n",
        LINGER,
    ),
)
