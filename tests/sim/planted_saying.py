"""Planted bugs of what people are told: follow-ups, announcements, chat. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

FOLLOW_UPS = "tests/core/test_follow_ups.py"

SAYING: tuple[Mutant, ...] = (
    _bug(
        "saying: any update to customers is the impact summary",
        "core/promises.py",
        'done, start = incident.moments.get(f"done:{rule.id}"), _start(incident, rule)',
        'done, start = incident.moments.get(f"updated:{rule.act.audience}"), _start(incident, rule)',
        FOLLOW_UPS,
    ),
    _bug(
        "saying: a summary from before the reopening still counts",
        "core/promises.py",
        "return done if done and start and done.version > start.version else None",
        "return done if done and start else None",
        FOLLOW_UPS,
    ),
    _bug(
        "saying: a follow-up on a condition never begins once it is over",
        "core/worklog.py",
        'if proposed[command.rule].until != "done":  # a follow-up is often known to be owed only afterwards',
        "if True:",
        FOLLOW_UPS,
    ),
    _bug(
        "saying: customers are owed a summary of what stayed inside",
        "guide/followups.py",
        "return told if len(told) < len(scheme.severities) else ()",
        "return ()",
        FOLLOW_UPS,
    ),
)
