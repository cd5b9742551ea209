"""Planted bugs of what people are told: follow-ups, announcements, chat. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

ENDINGS = "tests/core/test_endings.py"
PAPERWORK = "tests/test_paperwork.py"
REPORTING = "tests/core/test_reporting.py"
TELLING = "tests/core/test_telling.py"
FOLLOW_UPS = "tests/core/test_follow_ups.py"
IN_CHANNELS = "tests/http/test_links.py::test_a_link_in_a_channel_acts_once_says_so_and_changes_nothing_after"
LOOKED_AT = "tests/http/test_links.py::test_looking_at_a_link_in_a_channel_does_not_use_it_up"

SAYING: tuple[Mutant, ...] = (
    _bug(
        "saying: any update to customers is the impact summary",
        "core/endings.py",
        'done = moments.get(f"done:{rule.id}")',
        'done = moments.get(f"updated:{rule.act.audience}")',
        FOLLOW_UPS,
    ),
    _bug(
        "saying: a summary from before the reopening still counts",
        "core/endings.py",
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
    _bug(
        "saying: a link in a channel acknowledges for ever",
        "http/links.py",
        "if found.person is None or found.spent or not waiting:",
        "if found.person is None or not waiting:",
        IN_CHANNELS,
    ),
    _bug(
        "saying: the use of a link in a channel is not remembered",
        "http/links.py",
        "    if ticket.once:\n        _spend(store, ticket)\n",
        "",
        IN_CHANNELS,
    ),
    _bug(
        "saying: a press that finds somebody at work uses the link up",
        "http/links.py",
        "if found.person is None or found.spent or not waiting:",
        "if found.person is None or found.spent:",
        LOOKED_AT,
    ),
    _bug(
        "saying: an audience without a channel counts as told",
        "core/saying.py",
        "for word in () if untold else prepared.words or (prepared.audience,):",
        "for word in prepared.words or (prepared.audience,):",
        TELLING,
    ),
    _bug(
        "saying: a release that reaches nobody takes the draft away",
        "core/saying.py",
        "    if why := _untold(story, prepared):\n        raise Refused(_advice(draft.audience, why))\n",
        "",
        TELLING,
    ),
    _bug(
        "saying: what is private counts as told to the outside",
        "core/saying.py",
        'return "" if prepared.audience == TEAM else PRIVATE',
        'return ""',
        TELLING,
    ),
    _bug(
        "saying: nobody learns before the night that customers have no channel",
        "core/readiness.py",
        "if audience != PUBLIC and not known[audience].channels:",
        "if False:",
        "tests/core/test_readiness.py",
    ),
    _bug(
        "endings: a resolution keeps whatever was not done",
        "core/promises.py",
        '"kept" if end.kept else "waived"',
        '"kept"',
        ENDINGS,
    ),
    _bug(
        "endings: what customers were to hear is forgotten at the end",
        "core/endings.py",
        "return None if _stands(rule) and not (incident.false_positive or incident.drill) else ended",
        "return ended",
        ENDINGS,
    ),
    _bug(
        "endings: customers hear of a false alarm",
        "core/endings.py",
        "return None if _stands(rule) and not (incident.false_positive or incident.drill) else ended",
        "return None if _stands(rule) else ended",
        ENDINGS,
    ),
    _bug(
        "endings: an alert that clears by itself has responded",
        "core/endings.py",
        'moments.get("resolved") if _by_a_person(incident) else None',
        'moments.get("resolved")',
        ENDINGS,
    ),
    _bug(
        "endings: what is promised for after the end ends with it",
        "core/endings.py",
        "if rule.id.startswith(SAID) and start and start.version > ended.version:",
        "if False:",
        ENDINGS,
    ),
    _bug(
        "promises: a matrix that tells nobody is missed and not counted",
        "core/deadlines.py",
        "if owed else None\n            if missed",
        "if False else None\n            if missed",
        "tests/core/test_promises.py",
    ),
    _bug(
        "promises: each period without news is a promise of its own",
        "core/measures.py",
        'self.missed.add(fact.key.rpartition("#")[0])',
        "self.missed.add(fact.key)",
        "tests/core/test_promises.py",
    ),
    _bug(
        "reports: action items are forgotten",
        "core/reporting.py",
        "        actions=lessons(with_lessons, since, until),\n",
        "",
        PAPERWORK,
    ),
    _bug(
        "reports: every guide's incidents are counted in one's report",
        "saying/paperwork.py",
        "if row.opened_at >= since and row.guide == desk.incident.guide]",
        "if row.opened_at >= since]",
        PAPERWORK,
    ),
    _bug(
        "reports: a type is a service",
        "core/reporting.py",
        'Counter(each.category or "no category" for each in mine)',
        'Counter(each.service or "no service" for each in mine)',
        PAPERWORK,
    ),
    _bug(
        "reports: a duplicate is counted",
        "core/reporting.py",
        "if not each.drill and not each.merged_into]",
        "if not each.drill]",
        PAPERWORK,
        REPORTING,
    ),
    _bug(
        "reports: a promise that was missed and later kept was kept",
        "core/reporting.py",
        'ended.get(each.rule, True) and each.state == "kept"',
        'each.state == "kept"',
        REPORTING,
    ),
)
