"""Planted bugs of how escalation ladders are read from guides. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

STEPS = "tests/guide/test_forms_steps.py"
DRAWN = "tests/guide/test_forms_ladders.py"
DOUBTS = "tests/guide/test_forms_doubts.py"
YAML = "tests/guide/test_forms_yaml.py"
BESIDE = "tests/guide/test_ladders_beside.py"
CALLED = "tests/guide/test_ladders_triggers.py"
VARIES = "tests/guide/test_ladders_severities.py"
MORE = "tests/guide/test_ladders_more.py"

READ_LADDERS: tuple[Mutant, ...] = (
    _bug(
        "ladders: a time that stands with the name of a level elsewhere is passed over",
        "guide/ladder_beside.py",
        "if number > len(rungs) or rungs[number - 2].hold",
        "if number > 0 or rungs[number - 2].hold",
        BESIDE,
    ),
    _bug(
        "ladders: a trigger under a level is how long that level has",
        "guide/rungs.py",
        "own = [action for action in actions if not TRIGGER.match(action)]",
        "own = list(actions)",
        CALLED,
    ),
    _bug(
        "ladders: steps at different times are one for several severities",
        "guide/ladder_steps.py",
        "repr([(rung.line, rung.who, rung.reach) for rung in rungs])",
        "repr([(rung.line, rung.who) for rung in rungs])",
        VARIES,
    ),
    _bug(
        "ladders: an action that calls somebody unknown is other work",
        "guide/ladder_timelines.py",
        "not PARTY.search(words) and not _CALL.match(words) and",
        "not PARTY.search(words) and",
        CALLED,
    ),
    _bug(
        "ladders: a severity that an arrow does not name goes on with the time of another",
        "guide/ladder_severities.py",
        "held = times.get(one) if rung.varies",
        "held = times.get(one, next(iter(times.values()), None)) if rung.varies",
        VARIES,
    ),
    _bug(
        "ladders: words beside times by severity are passed over",
        "guide/ladder_severities.py",
        "any(not _BESIDE.fullmatch(word) for word in _WORDS.findall(rest))",
        "False",
        VARIES,
    ),
    _bug(
        "ladders: a time beside a level that was not read is passed over",
        "guide/ladder_beside.py",
        "(left and (_missing(level)",
        "(False and (_missing(level)",
        BESIDE,
    ),
    _bug(
        "ladders: a time for one severity on an arrow is that of all",
        "guide/ladder_beside.py",
        "(left or _for_some(text, level))",
        "left",
        BESIDE,
    ),
    _bug(
        "ladders: a ladder without times stands beside the refused one of the same people",
        "guide/ladder_choice.py",
        "if not (_lacks_times(rungs, refused, notes) or",
        "if not (",
        BESIDE,
    ),
    _bug(
        "ladders: people stand without the time after which another place calls them",
        "guide/ladder_choice.py",
        "if line not in own and any(name in text.casefold() for name in names):",
        "if False:",
        BESIDE,
    ),
    _bug(
        "ladders: the general ladder is also that of a severity with its own",
        "guide/ladder_choice.py",
        "        if severities or not own:\n            yield severities, rungs\n",
        "        if True:\n            yield severities, rungs\n",
        STEPS,
    ),
    _bug(
        "ladders: a step for one severity counts from its level",
        "guide/ladder_steps.py",
        "reach=said.time, since_start=True",
        "hold=said.time",
        STEPS,
    ),
    _bug(
        "ladders: a step is taken beside a ladder for every severity",
        "guide/ladders.py",
        "for severities, _ in [*found, *refused] for one in severities or ids)",
        "for severities, _ in [*found, *refused] for one in severities)",
        STEPS,
    ),
    _bug(
        "ladders: any condition with a time is that nobody answered",
        "guide/ladder_sentences.py",
        "return bool(_NOT.search(words) and _ABOUT.search(words))",
        "return bool(_NOT.search(words))",
        STEPS,
    ),
    _bug(
        "ladders: a time on an arrow for some severities holds for all",
        "guide/ladder_drawings.py",
        "    if times and limit is None and of_some(words):\n",
        "    if times and limit is None and False:\n",
        DRAWN,
    ),
    _bug(
        "ladders: a chart of heads is whom to call",
        "guide/ladder_doubts.py",
        "    if _heads(who[0]) and any(",
        "    if False and any(",
        DOUBTS,
    ),
    _bug(
        "ladders: what is for some incidents is a level for all",
        "guide/ladder_beside.py",
        "return front and not _for_all(text, level)",
        "return False",
        BESIDE,
    ),
    _bug(
        "ladders: times that do not rise are taken from the opening",
        "guide/rungs.py",
        "    if starts == sorted(set(starts)):\n        return rungs\n",
        "    if True:\n        return rungs\n",
        STEPS,
    ),
    _bug(
        "ladders: a matrix of roles need not begin at once",
        "guide/ladder_matrices.py",
        "return rungs if starts and len(rungs) > 1 else []",
        "return rungs if len(rungs) > 1 else []",
        STEPS,
    ),
    _bug(
        "ladders: a time line need not begin at once",
        "guide/ladder_timelines.py",
        "and rising and (begun or starts[0] == 0) else []",
        "and rising else []",
        STEPS,
    ),
    _bug(
        "ladders: an example in YAML is in force",
        "guide/yaml_fences.py",
        '        return "it is called an example"\n',
        '        return ""\n',
        YAML,
    ),
    _bug(
        "ladders: a delay in YAML that begins with nothing is how long a level has",
        "guide/ladder_yaml.py",
        'else "after"',
        'else "escalate after"',
        YAML,
    ),
    _bug(
        "ladders: YAML has the lines of its fence",
        "guide/yaml_fences.py",
        "    return block.line + node_line\n",
        "    return node_line\n",
        YAML,
    ),
    _bug(
        "ladders: how soon every level must answer is how long it has",
        "guide/ladder_each.py",
        "other = _ANSWERS.search(said) or _WORK.search(said)",
        "other = _WORK.search(said)",
        MORE,
    ),
    _bug(
        "ladders: of two times for every level one is taken",
        "guide/ladder_each.py",
        "return sure[0] if len(times) == 1 and",
        "return sure[0] if times and",
        MORE,
    ),
    _bug(
        "ladders: a time of tickets is one of every level",
        "guide/ladder_each.py",
        "if of_other_work(section.title)",
        "if False",
        MORE,
    ),
    _bug(
        "ladders: a drill is whom to call",
        "guide/ladder_doubts.py",
        "return _OTHER_WORK.search(title) is not None and _OF_INCIDENTS.search(title) is None",
        "return False",
        MORE,
    ),
    _bug(
        "ladders: a wait for anything is how long a level has",
        "guide/ladder_lists.py",
        "wait = _WAIT.fullmatch(words)",
        'wait = _WAIT.fullmatch(words) or re.match(r"Wait (?P<time>\\d+ \\w+)", words)',
        MORE,
    ),
    _bug(
        "ladders: rising times in parentheses are how long each has",
        "guide/ladder_lists.py",
        "if count > 1 and rest and falls and not any",
        "if count > 1 and not any",
        MORE,
    ),
    _bug(
        "ladders: a role for some incidents is called for all",
        "guide/ladder_matrices.py",
        "        if rungs and _CASE.search(cell) and not _ONGOING.search(cell):\n            continue",
        "        if False:\n            continue",
        MORE,
    ),
    _bug(
        "ladders: a machine in a cell is somebody",
        "guide/ladder_matrices.py",
        'return who if all(names_somebody(each) or f"{each} (" in cell for each in who) else ()',
        "return who",
        MORE,
    ),
    _bug(
        "ladders: a time of the day counts from the opening",
        "guide/ladder_timelines.py",
        "CLOCK_HOURS_MAX = 4",
        "CLOCK_HOURS_MAX = 24",
        MORE,
    ),
    _bug(
        "ladders: a further time counts from the opening",
        "guide/ladder_sentences.py",
        "bare=not (further or more)",
        "bare=True",
        MORE,
    ),
    _bug(
        "ladders: of two times of a stage the greater counts",
        "guide/ladder_stages.py",
        "return min((each[0] for each in times)",
        "return max((each[0] for each in times)",
        MORE,
    ),
)
