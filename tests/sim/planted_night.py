"""Planted bugs of what a person who is paged at night needs. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import OWED, Mutant, _bug

ANNOTATED = "tests/core/test_annotated.py"
UNHURRIED = "tests/core/test_unhurried.py"

NIGHT: tuple[Mutant, ...] = (
    _bug(
        "night: a severity that the guide leaves untimed climbs by the levels' limits",
        "core/unhurried.py",
        "if not timed or severity in timed or",
        "if not timed or severity not in timed or",
        UNHURRIED,
    ),
    _bug(
        "night: what is worse than a timed severity waits for the working day",
        "core/unhurried.py",
        "return mine is not None and all(mine.rank > each.rank for each in policy.severities if each.id in timed)",
        "return True",
        UNHURRIED,
    ),
    _bug(
        "night: the same day ends at midnight for whoever is paged",
        "core/unhurried.py",
        "hurried = respond.seconds is not None and respond_at",
        "hurried = respond_at",
        UNHURRIED,
    ),
    _bug(
        "night: a day to respond ends at night",
        "core/unhurried.py",
        "if hurried or in_business_hours(at, calendar):",
        "if True:",
        UNHURRIED,
    ),
    _bug(
        "night: an acknowledgement does not end the ladder of what the guide does not hurry",
        "core/escalation.py",
        '    if unhurried(policy, scheme, incident.severity):\n        return "acknowledged"\n',
        "",
        UNHURRIED,
    ),
    _bug(
        "night: milder pages fill the whole window",
        "store/throttle.py",
        "SHARES = (PAGES_MAX, 4, 3, 2, 2)",
        "SHARES = (PAGES_MAX, 5, 5, 5, 2)",
        OWED,
    ),
    _bug(
        "night: the worst waits its turn behind milder pages (SQLite)",
        "store/delivery.py",
        "    for turn in turns:\n        mode",
        "    for turn in reversed(tuple(turns)):\n        mode",
        OWED,
    ),
    _bug(
        "night: the worst waits its turn behind milder pages (memory)",
        "store/outbox.py",
        "key=lambda row: (row.turn, row.place),",
        "key=lambda row: (row.notice, row.place),",
        OWED,
    ),
    _bug(
        "night: a raised severity leaves its pages where they were",
        "store/delivery.py",
        "if any(isinstance(fact, SeverityChanged) for fact in append.facts):  #",
        "if False:  #",
        OWED,
    ),
    _bug(
        "night: whatever an alert calls a link is one",
        "core/annotated.py",
        'return address if _ADDRESS.fullmatch(address) else ""',
        "return address",
        ANNOTATED,
    ),
    _bug(
        "night: what an alert says has lines of its own in a page",
        "core/paging_text.py",
        '("Says", one_line(concern.said.description, SAYS_MAX)),',
        '("Says", concern.said.description[:SAYS_MAX]),',
        "tests/core/test_paging_text.py",
    ),
    _bug(
        "night: changes of what a service depends on are not its own",
        "core/recent.py",
        "            waiting += service.depends_on\n",
        "",
        "tests/core/test_recent.py",
    ),
    _bug(
        "night: any word is a category",
        "core/checklists.py",
        'return meant("category", names, said) if names else said',
        "return said",
        "tests/core/test_categories.py",
    ),
    _bug(
        "night: one line of the guide is two promises",
        "core/rulebook.py",
        "told = [each for each in duty.severities if not _in_matrix(policy, duty, each)]",
        "told = list(duty.severities)",
        "tests/core/test_one_line_one_promise.py",
    ),
    _bug(
        "night: a file system without durable writes takes no alert",
        "intake/disk.py",
        "_UNKNOWN = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})",
        "_UNKNOWN = frozenset[int]()",
        "tests/intake/test_journal.py",
    ),
    _bug(
        "night: after the change to two calls the second is left out",
        "intake/disk.py",
        "self._flag, unsynced = 0, True",
        "self._flag = 0",
        "tests/intake/test_journal.py",
    ),
    _bug(
        "night: a listener that fails makes a committed command fail",
        "listeners.py",
        "                self.subscriber_failures += 1\n",
        "                raise\n",
        "tests/test_engine.py",
    ),
    _bug(
        "night: after a restart a word of another tenant is taken for one's own",
        "digest/blocks.py",
        "if (tenant, number) in used[kind]:",
        "if number in {each for _, each in used[kind]}:",
        "tests/test_blocks.py",
    ),
    _bug(
        "night: a guide without times pages once and never again",
        "core/escalation.py",
        "        return now + UNANSWERED\n",
        "        return None\n",
        "tests/core/test_escalation.py",
    ),
    _bug(
        "night: a ladder without times goes on after an acknowledgement",
        "core/escalation.py",
        'scheme.until if _timed(policy, incident) else "acknowledged"',
        "scheme.until",
        "tests/core/test_escalation.py",
    ),
    _bug(
        "night: an upgrade offers every guide as changed",
        "wiring/furnish.py",
        "if in_force and digest(in_force.policy) == digest(given.policy):",
        "if in_force and in_force.digest == digest(given.policy):",
        "tests/test_furnish.py",
    ),
)
