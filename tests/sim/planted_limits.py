"""Planted bugs of how severities and their limits are read from guides. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

POLICY = "tests/guide/test_forms_policy.py"
LIMITS = "tests/guide/test_forms_limits.py"
CLOCKS = "tests/guide/test_forms_clocks.py"

READ_LIMITS: tuple[Mutant, ...] = (
    _bug(
        "limits: one time for every severity proves that they are those of incidents",
        "guide/promises.py",
        "return len(set(limits.values())) >= IDS_MIN and soon >= SOON_MIN",
        "return len(limits) >= IDS_MIN and soon >= SOON_MIN",
        POLICY,
    ),
    _bug(
        "limits: weeks to answer are a promise to come",
        "guide/promises.py",
        "soon = sum(seconds <= SOON_SECONDS for _, seconds in limits.values())",
        "soon = len(limits)",
        POLICY,
    ),
    _bug(
        "limits: what a customer buys is a policy",
        "guide/evidence.py",
        "    if by_plan(group) and not describes(group):\n        return False\n",
        "",
        POLICY,
    ),
    _bug(
        "limits: a supplier's times to answer are ours",
        "guide/promises.py",
        " or _BOUGHT.search(place):",
        ":",
        POLICY,
    ),
    _bug(
        "limits: a support desk need not say when it is over",
        "guide/promises.py",
        "return (answered and resolved) if _SUPPORT.search(place) else",
        "return answered if _SUPPORT.search(place) else",
        POLICY,
    ),
    _bug(
        "limits: chores with priorities are incidents",
        "guide/promises.py",
        'and not (kinds != {"sev"} and _CHORES.search(f"{group.header[:1]} {near}"))',
        "",
        POLICY,
    ),
    _bug(
        "limits: a row of what was measured is a promise",
        "guide/clock_rows.py",
        "or not _PROMISED.fullmatch(plain(block.header[1]).strip())",
        "",
        LIMITS,
    ),
    _bug(
        "limits: of two times that hold at different hours the first counts",
        "guide/clocks.py",
        " or any(_AT_OTHER_TIMES.search(part) and scan(part) for part in parts[1:])",
        "",
        LIMITS,
    ),
    _bug(
        "limits: whoever is told within a time answers within it, in Chinese",
        "guide/clocks.py",
        'if len(spoken) == 1 and limit is not None and not _HAN_FILLERS.sub("", rest).strip(" .:-()"):',
        "if limit is not None and (spoken := spoken or ['respond']):",
        LIMITS,
    ),
    _bug(
        "limits: a report that counts incidents grades them",
        "guide/evidence.py",
        "    if sum(_is_counted(entry) for entry in group.entries) >= 2:\n        return False\n",
        "",
        LIMITS,
    ),
    _bug(
        "limits: two severities in a sentence are a scheme",
        "guide/mentions.py",
        "len(pairs) == len(ids) >= 3",
        "len(pairs) == len(ids) >= 2",
        LIMITS,
    ),
    _bug(
        "limits: of two lists in a fence only the first is read",
        "guide/fenced.py",
        "            yield lead, held\n            lead, held = bare, []\n",
        "            lead = bare\n",
        LIMITS,
    ),
    _bug(
        "limits: what was not understood is surely no policy",
        "guide/compile.py",
        '"warning" if doubtful else "error",',
        '"error",',
        LIMITS,
    ),
    _bug(
        "limits: only the first severity's time is looked at",
        "guide/promises.py",
        "found.update(dict.fromkeys(entry.named.ids, limit))",
        "found.setdefault(entry.named.ids[0], limit)\n            break",
        POLICY,
    ),
    _bug(
        "limits: what is planned is in force",
        "guide/severities.py",
        "if points >= SCORE_MIN and planned(group, document)]",
        "if False]",
        LIMITS,
    ),
    _bug(
        "limits: of two sentences with a time each the first is the limit",
        "guide/severities.py",
        "told_every(part) is None and not any(True for _ in clauses(part)) for part in rest",
        "False for part in rest",
        LIMITS,
    ),
    _bug(
        "limits: the status of a part is that of the guide",
        "guide/about.py",
        'if said == "draft" or (said and n < whole):',
        "if said:",
        LIMITS,
    ),
    _bug(
        "limits: whoever escalates a ticket has an incident",
        "guide/evidence.py",
        '    if _DESK.search(f"{top} / {place}"):',
        "    if False:",
        LIMITS,
    ),
)
