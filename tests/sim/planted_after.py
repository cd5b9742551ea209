"""Planted bugs of business hours and of what is owed after an incident. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

TEXT = "tests/core/test_hourstext.py"
HOURS = "tests/guide/test_hours.py"
IMPACT = "tests/core/test_impact.py"
RECEIPT = "tests/core/test_told_by_receipt.py"

AFTER: tuple[Mutant, ...] = (
    _bug("hours: one of two readings is taken", "core/hourstext.py", "if len(pairs) != 1:", "if not pairs:", TEXT),
    _bug(
        "hours: offsets count as the names of zones do",
        "core/hourstext.py",
        "'-' if sign == '+' else '+'",
        "sign",
        TEXT,
    ),
    _bug(
        "hours: those of others are ours",
        "guide/workinghours.py",
        '    if each.others:\n        return "it may be about other hours"\n',
        "",
        HOURS,
    ),
    _bug(
        "review: a duty to schedule is kept by holding only",
        "core/rulebook.py",
        'holds = review.kept_by == "holding"',
        "holds = True",
        "tests/core/test_business_promises.py",
    ),
    _bug(
        "review: what is typed into a document is forgotten",
        "saying/paperwork.py",
        'given = {**desk.incident.written, **given} if kind == "document" else given',
        "given = dict(given)",
        "tests/http/test_review.py",
    ),
    _bug(
        "review: a tick is not taken back",
        "core/worked.py",
        "incident.ticked | {fact.item} if fact.done else incident.ticked - {fact.item}",
        "incident.ticked | {fact.item}",
        "tests/core/test_reviewing.py",
    ),
    _bug(
        "staffing: a role that was given back is still held",
        "core/worked.py",
        "            if not held:\n                role",
        "            if False:\n                role",
        "tests/core/test_staffing.py",
    ),
    _bug(
        "drills: one of any severity keeps every duty",
        "watch/upkeep.py",
        "named = [each for each in drills if incident.severity in each.severities]",
        "named = drills",
        "tests/test_upkeep.py",
    ),
    _bug(
        "periods: what has one is reported too",
        "guide/periods.py",
        "len(words) > WORDS_MAX or scan(words) or _NEWS",
        "len(words) > WORDS_MAX or _NEWS",
        "tests/guide/test_periods.py",
    ),
    _bug(
        "cadences: a line that moved asks again",
        "confirming.py",
        "confirmed=True, source=None)",
        "confirmed=True)",
        "tests/http/test_api_cadences.py",
    ),
    _bug(
        "contents: another audience's are shown",
        "core/audiences.py",
        "audience.id in meant(each.audience, known)\n    ]\n    return tuple(dict",
        "True\n    ]\n    return tuple(dict",
        "tests/http/test_api_saying.py",
    ),
    _bug(
        "actions: the answer of before answers for an item that is done again",
        "core/afterwards.py",
        '        moments.pop(f"{name}:done", None)\n    if fact.effect_at',
        "        pass\n    if fact.effect_at",
        "tests/core/test_effect.py",
    ),
    _bug(
        "hours: the installation's beat the guide's",
        "guidefile.py",
        "if default is None or guide.policy.business_hours is not None:",
        "if default is None:",
        HOURS,
    ),
    _bug(
        "staffing: a role that changes hands breaks its promise",
        "core/endings.py",
        "if until.version > start.version and since.at <= due_at < until.at:",
        "if False:",
        "tests/core/test_staffing.py",
    ),
    _bug(
        "staffing: a role that was held for a minute keeps its promise",
        "core/endings.py",
        "and since.at <= due_at < until.at:",
        "and since.at <= due_at:",
        "tests/core/test_staffing.py",
    ),
    _bug(
        "telling: what is owed counts as told",
        "core/endings.py",
        '    if any(page.owed for page in pages):\n        return "open"\n',
        '    if any(page.owed for page in pages):\n        return "kept"\n',
        RECEIPT,
    ),
    _bug(
        "telling: what a provider lost later was told all the same",
        "core/state.py",
        "return bool(self.delivered or self.sent - self.failed)",
        "return bool(self.delivered or self.sent)",
        RECEIPT,
    ),
    _bug(
        "telling: a promise that reached nobody is not written down",
        "core/deadlines.py",
        "    _untold(story, page, now)\n",
        "",
        RECEIPT,
    ),
    _bug(
        "telling: an acknowledgement takes back the news",
        "core/story.py",
        "(promised or name not in kept)",
        "(promised or name)",
        RECEIPT,
    ),
    _bug(
        "telling: words that mean nobody are passed over in silence",
        "core/deadlines.py",
        "if missed and (gap := gap_of(",
        "if not missed and (gap := gap_of(",
        RECEIPT,
    ),
    _bug(
        "impact: every corrected estimate pages one level more",
        "core/impact.py",
        "AGAIN = 2  #",
        "AGAIN = 0  #",
        IMPACT,
    ),
    _bug(
        "impact: an answer is a yes whatever it says",
        "core/impact.py",
        "answer.casefold().strip() in YES and",
        "answer and",
        IMPACT,
    ),
    _bug(
        "impact: what people are to judge escalates by itself",
        "core/impact.py",
        '    if trigger.kind != "impact":\n        return None\n',
        "",
        IMPACT,
    ),
    _bug(
        "impact: a severity without escalation escalates",
        "core/impact.py",
        " or after.severity in scheme.never:",
        ":",
        IMPACT,
    ),
    _bug(
        "impact: nothing escalates by itself",
        "core/decide.py",
        "    impact.rise(story, incident, world, now)\n",
        "",
        IMPACT,
    ),
    _bug(
        "slips: what nobody goes by is taken in silence",
        "cli/doubts.py",
        "if said and known and said not in known:",
        "if said and known and said in known:",
        "tests/cli/test_commands.py",
    ),
    _bug(
        "telling: news of last night is in time",
        "core/deadlines.py",
        "        _late(story, command.page, now)\n",
        "",
        RECEIPT,
    ),
    _bug(
        "telling: the second to hear of it late makes it missed",
        "core/deadlines.py",
        'late = now - of.due_at > SENDING_MAX and tried(incident, of) != "kept"',
        "late = now - of.due_at > SENDING_MAX",
        RECEIPT,
    ),
)
