"""Probes: Tocsin asks something itself, every so often, and what stays wrong becomes an alert.

One look at a probe speaks of one or more subjects: the thing itself (`REACH`), its certificate's validity and its
expiry, each component of somebody else's status page. Every subject has a state of its own: a subject is down after
`failures` bad looks in a row, and up again after `recoveries` good ones. A subject that flaps stays down while it does,
so that nobody is told of every turn; one that flaps without ever failing `failures` times in a row pages nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Kind = Literal["http", "tcp", "tls", "dns", "status-page"]
Standing = Literal["new", "up", "failing", "down", "flapping", "expiring"]

REACH, VALIDITY, EXPIRY = "", "validity", "expiry"  # subjects; a component of a status page is named by its own name
COMPONENT = "component:"
UNABLE = "is not looked at: "  # how a problem begins that keeps a probe from looking at all
RECENT = 20  # looks of which the turns are counted
TURNS_MIN = 6  # so many turns among them is flapping
ALERTNAMES = {REACH: "ProbeFailed", VALIDITY: "CertificateInvalid", EXPIRY: "CertificateExpiring"}
DEGRADED = "DependencyDegraded"  # the alertname of a component of a status page


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, how often, and what counts as wrong. Which fields count depends on the kind: `check_probe`.

    `status`: ranges of answers that are fine. `equals`: a path into the JSON answer -> the value that must stand there.
    `secret` goes along as the header `secret_header`. `expected`: addresses or other values of which every answer of
    the name server must be one. `warn_before`, `page_before`: how long before its end a certificate is a finding.
    """

    name: str
    kind: Kind
    every_seconds: int = 60
    timeout_seconds: int = 10
    failures: int = 3
    recoveries: int = 2
    severity: str = "critical"
    warn_severity: str = "warning"
    service: str | None = None
    labels: dict[str, str] = {}
    runbook: str | None = None
    url: str | None = None
    method: str = "GET"
    headers: dict[str, str] = {}
    secret: str | None = None
    secret_header: str = "Authorization"
    body: str | None = None
    status: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: str | None = None
    equals: dict[str, str] = {}
    latency_max_seconds: float | None = None
    address: str | None = None
    domain: str | None = None
    record: str = "A"
    server: str | None = None
    expected: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    warn_before_seconds: int | None = None
    page_before_seconds: int | None = None
    ca_file: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one subject, in a sentence that begins with no name; `severity` None: the probe's own.

    `broken`: it does not work now, unlike a certificate that will end one day.
    """

    text: str
    severity: str | None = None
    broken: bool = True


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look. A subject that is not in `found` was not seen this time: nothing follows for it.

    `evidence`: what was seen, for people (status, address, certificate dates), by names without spaces.
    """

    at: datetime
    seconds: float
    found: dict[str, Problem | None]
    evidence: dict[str, str] = {}
    expires_at: datetime | None = None

    @property
    def up(self) -> bool:
        """Everything that was seen works."""
        return not any(found is not None and found.broken for found in self.found.values())


UNSEEN = Problem(text="was not seen")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one subject. `down_at` None: it is not down. `failed_at`: the first bad look of those in a row.

    `problem`: what was wrong last, which a subject that is down keeps until it is up.
    """

    failing: int = 0
    passing: int = 0
    failed_at: datetime | None = None
    down_at: datetime | None = None
    since: datetime | None = None
    problem: Problem | None = None
    recent: tuple[bool, ...] = ()  # good or bad, the newest last


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """A probe as people see it. `since`: since when it stands so, as far as this process knows. `problems`: what the
    last look found, one sentence per subject. `fault`: why the last look did not happen, which is a fault of Tocsin."""

    name: str
    kind: Kind
    target: str
    service: str | None
    severity: str
    every_seconds: int
    standing: Standing
    since: datetime | None
    problems: list[str]
    looked_at: datetime | None
    seconds: float | None
    up: bool | None
    evidence: dict[str, str]
    certificate_expires_at: datetime | None
    fault: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A subject that is down, as the alert that people see."""

    labels: dict[str, str]
    annotations: dict[str, str]
    since: datetime


def looked(probe: Probe, state: State, problem: Problem | None, at: datetime) -> State:
    """The state of a subject after one more look at it."""
    bad = problem is not None
    recent = (*state.recent, not bad)[-RECENT:]
    before = _standing(state)
    after = State(
        failing=state.failing + 1 if bad else 0,
        passing=0 if bad else state.passing + 1,
        failed_at=(state.failed_at if state.failing else at) if bad else None,
        down_at=state.down_at,
        since=state.since,
        problem=problem or (state.problem if state.down_at else None),
        recent=recent,
    )
    if after.down_at is None and after.failing >= probe.failures:
        after = msgspec.structs.replace(after, down_at=after.failed_at)
    elif after.down_at is not None and after.passing >= probe.recoveries and not flaps(after):
        after = msgspec.structs.replace(after, down_at=None, problem=None)
    if _standing(after) != before or after.since is None:
        after = msgspec.structs.replace(after, since=at)
    return after


def after(probe: Probe, states: Mapping[str, State], look: Look) -> dict[str, State]:
    """The states of every subject after one look.

    What was not seen keeps its state while the thing itself does not answer; once it does, what it speaks of no more (a
    component that was removed, a certificate where there is no TLS any more) is forgotten.
    """
    answers = look.found.get(REACH, UNSEEN) is None
    kept = {} if answers else {subject: state for subject, state in states.items() if subject not in look.found}
    seen = {
        subject: looked(probe, states.get(subject, State()), problem, look.at)
        for subject, problem in look.found.items()
    }
    return kept | seen


def resumed(since: datetime, problem: Problem) -> State:
    """A subject whose alert fired before a restart: it is down until it has recovered."""
    return State(down_at=since, since=since, problem=problem)


def flaps(state: State) -> bool:
    """Whether it turned so often lately that neither a good nor a bad look says much."""
    return sum(one != other for one, other in zip(state.recent, state.recent[1:], strict=False)) >= TURNS_MIN


def _standing(state: State) -> Standing:
    if state.down_at is not None:
        return "down"
    if flaps(state):
        return "flapping"
    if state.failing:
        return "failing"
    return "up" if state.passing else "new"


def standing(states: Mapping[str, State]) -> Standing:
    """How a probe stands: the worst of its subjects. A certificate that will end is `expiring`, not down."""
    found = {_shown(state) for state in states.values()}
    worst: tuple[Standing, ...] = ("down", "flapping", "failing", "expiring", "up")
    return next((each for each in worst if each in found), "new")


def _shown(state: State) -> Standing:
    """How a subject stands, for people: what works yet is not down, though its alert fires."""
    works = state.problem is not None and not state.problem.broken
    found = _standing(state)
    return "expiring" if works and found in ("down", "failing", "flapping") else found


def since(states: Mapping[str, State]) -> datetime | None:
    """Since when the probe stands as it does: the earliest beginning among the subjects that stand so."""
    now = standing(states)
    begun = [state.since for state in states.values() if _shown(state) == now and state.since is not None]
    return (max if now == "up" else min)(begun, default=None)


# --- what is said ----------------------------------------------------------------------------------------------------


def alerts(probe: Probe, states: Mapping[str, State], last: Look | None) -> list[Alert]:
    """The alerts of every subject that is down."""
    found = []
    for subject, state in states.items():
        if state.down_at is not None and state.problem is not None:
            annotations = annotations_of(probe, subject, state.problem, last)
            found.append(
                Alert(labels=labels_of(probe, subject, state.problem), annotations=annotations, since=state.down_at)
            )
    return found


def labels_of(probe: Probe, subject: str, problem: Problem) -> dict[str, str]:
    """The labels of a subject's alert: its identity, as long as its severity stays."""
    own = {
        "alertname": ALERTNAMES.get(subject, DEGRADED),
        "probe": probe.name,
        "severity": problem.severity or probe.severity,
        "service": probe.service or probe.name,  # else one incident would take in every probe that fails
        "component": subject.removeprefix(COMPONENT) if subject.startswith(COMPONENT) else "",
    }
    return {**probe.labels, **{name: value for name, value in own.items() if value}}


def subject_of(labels: Mapping[str, str]) -> str:
    """The subject that an alert with these labels is about."""
    if labels.get("alertname") == DEGRADED:  # the label alone may be one of the operator's own
        return COMPONENT + labels.get("component", "")
    return next((subject for subject, name in ALERTNAMES.items() if name == labels.get("alertname")), REACH)


def annotations_of(probe: Probe, subject: str, problem: Problem, last: Look | None) -> dict[str, str]:
    """What people read of the alert: what is wrong, where, and what was seen last."""
    component = f": {subject.removeprefix(COMPONENT)}" if subject.startswith(COMPONENT) else ""
    said = {"summary": f"{probe.name}{component} {problem.text}", "probe": probe.name, "target": target_of(probe)}
    if probe.runbook:
        said["runbook_url"] = probe.runbook
    if last is not None and last.found.get(subject):  # what a good look saw would contradict the summary
        left = {"time_left": time_left(last.expires_at - last.at)} if subject == EXPIRY and last.expires_at else {}
        seen = {
            **last.evidence,
            **left,
            "latency": f"{last.seconds * 1000:.0f} ms",
            "checked_at": f"{last.at:%Y-%m-%d %H:%M:%S} UTC",
        }
        said["description"] = "\n".join([target_of(probe), *(f"{_words(name)}: {seen[name]}" for name in seen)])
        said |= seen
    return said


def _words(name: str) -> str:
    return name.replace("_", " ")


def target_of(probe: Probe) -> str:
    """What is asked, as people may see it: an URL without what may be a password or a token in it."""
    where = probe.url or probe.address or probe.domain or ""
    if "://" in where:
        scheme, _, rest = where.partition("://")
        host, slash, path = rest.partition("/")
        where = f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
    return f"{where} {probe.record}" if probe.kind == "dns" else where


def time_left(span: timedelta) -> str:
    """How long a certificate holds yet, as people say it."""
    hours = int(span.total_seconds() // 3600)
    if hours < 0:
        return "none"
    if hours < 1:
        return "less than an hour"
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours > 1 else "an hour"


def expiry_problem(probe: Probe, expires_at: datetime, now: datetime) -> Problem | None:
    """What the end of a certificate means at `now`: nothing yet, a warning, or a page.

    Source: requirement DET-03, less than 24 hours is of the highest severity.
    """
    left = expires_at - now
    if left <= timedelta(0):
        return Problem(text=f"has a certificate that expired at {_minute(expires_at)}")
    # Without the time that is left: the title of an incident stands for weeks.
    text = f"has a certificate that expires at {_minute(expires_at)}"
    if probe.page_before_seconds is not None and left < timedelta(seconds=probe.page_before_seconds):
        return Problem(text=text, broken=False)
    if probe.warn_before_seconds is not None and left < timedelta(seconds=probe.warn_before_seconds):
        return Problem(text=text, severity=probe.warn_severity, broken=False)
    return None


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
