"""Planted bugs of probes and of what they hand in. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

HANDING = "tests/detect/test_handing.py"
CHECKING = "tests/detect/test_checking.py"
PROBER = "tests/detect/test_prober.py"
STATES = "tests/core/test_probe.py"
SUGGESTED = "tests/core/test_probe_suggestions.py"

PROBES: tuple[Mutant, ...] = (
    _bug(
        "probes: one bad look too few fires",
        "core/probe.py",
        "after.failing >= probe.failures",
        "after.failing >= probe.failures - 1",
        STATES,
    ),
    _bug(
        "probes: bad looks that are not in a row add up",
        "core/probe.py",
        "failing=state.failing + 1 if bad else 0,",
        "failing=state.failing + 1 if bad else state.failing,",
        STATES,
    ),
    _bug(
        "probes: one good look is a recovery",
        "core/probe.py",
        "after.passing >= probe.recoveries and not flaps(after)",
        "after.passing >= 1 and not flaps(after)",
        STATES,
    ),
    _bug(
        "probes: what flaps is told at every turn",
        "core/probe.py",
        "after.passing >= probe.recoveries and not flaps(after)",
        "after.passing >= probe.recoveries",
        STATES,
    ),
    _bug(
        "probes: an alert begins when it fires, not with the first bad look",
        "core/probe.py",
        "failed_at=(state.failed_at if state.failing else at) if bad else None,",
        "failed_at=at if bad else None,",
        STATES,
    ),
    _bug(
        "probes: a component that vanished fires for ever",
        "core/probe.py",
        "kept = {} if answers else {subject",
        "kept = {subject",
        STATES,
    ),
    _bug(
        "probes: what was not seen is forgotten while nothing answers",
        "core/probe.py",
        "answers = look.found.get(REACH, UNSEEN) is None",
        "answers = True",
        STATES,
    ),
    _bug(
        "probes: a certificate that ended is only a warning",
        "core/probe.py",
        "if left <= timedelta(0):",
        "if left <= timedelta(-1):",
        STATES,
    ),
    _bug(
        "probes: a restart forgets the alerts that fire",
        "detect/prober.py",
        "watched.states[subject_of(said.labels)] = resumed(said.since, problem)",
        "resumed(said.since, problem)",
        PROBER,
    ),
    _bug(
        "probes: the alert of a probe that was removed stays",
        "detect/prober.py",
        "                await self._tell(source, [], timedelta(0))\n",
        "",
        PROBER,
    ),
    _bug(
        "probes: everybody looks at once",
        "detect/prober.py",
        "asyncio.Semaphore(LOOKS_MAX)",
        "asyncio.Semaphore(10 * LOOKS_MAX)",
        PROBER,
    ),
    _bug(
        "probes: a secret goes where a redirect leads",
        "detect/asking.py",
        "if not _same_place(url, onward):",
        "if False:",
        CHECKING,
    ),
    _bug(
        "probes: a redirect to another port of the host is followed",
        "detect/asking.py",
        "same = one.scheme == other.scheme and ports[0] == ports[1]",
        "same = one.scheme == other.scheme",
        CHECKING,
    ),
    _bug(
        "probes: a bad answer repeats our secret",
        "detect/asking.py",
        '" ".join(_hidden(probe, body[: 4 * EXCERPT_MAX].decode("utf-8", "replace")).split())',
        '" ".join(body[: 4 * EXCERPT_MAX].decode("utf-8", "replace").split())',
        CHECKING,
    ),
    _bug(
        "probes: certificates of strangers are believed",
        "detect/reaching.py",
        "    return ssl.create_default_context()\n",
        "    return blind()\n",
        CHECKING,
    ),
    _bug(
        "probes: hosts that are not listed are called",
        "detect/reaching.py",
        "if not self._allowed(host):",
        "if False:",
        CHECKING,
    ),
    _bug(
        "probes: metadata services are looked at",
        "wiring/reaching.py",
        "return Reach(allowed_by(hosts), _fit)",
        "return Reach(allowed_by(hosts))",
        CHECKING,
    ),
    _bug(
        "probes: an answer to another question is believed",
        "detect/names.py",
        "if len(data) >= 12 and data[:2] == self._number and not",
        "if len(data) >= 12 and not",
        CHECKING,
    ),
    _bug(
        "probes: an answer that was cut is taken as it is",
        "detect/names.py",
        "if answer[2] & 0x02:",
        "if answer[2] & 0x00:",
        CHECKING,
    ),
    _bug(
        "handing: what fires is not said again in time",
        "detect/handing.py",
        "if alike and now - before.said_at < hold / AGAIN_SHARE:",
        "if alike:",
        HANDING,
    ),
    _bug(
        "handing: what ended is said before what is new",
        "detect/handing.py",
        "msgspec.json.encode([*fires, *ends])",
        "msgspec.json.encode([*ends, *fires])",
        HANDING,
    ),
    _bug(
        "handing: what a full disk refused is taken as said",
        "detect/handing.py",
        "            await self._deps.accept(entry)\n            for report in fires:\n"
        "                opened[report.fingerprint] = _Open(report, now)\n",
        "            for report in fires:\n                opened[report.fingerprint] = _Open(report, now)\n"
        "            await self._deps.accept(entry)\n",
        HANDING,
    ),
    _bug(
        "guide: what changes something becomes a probe",
        "core/probe_suggestions.py",
        '    if method not in ("GET", "HEAD") or not address:',
        "    if not address:",
        SUGGESTED,
    ),
)
