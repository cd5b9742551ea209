"""What a page says. Written for somebody who was asleep: what is broken, how bad, since when, who else, one link."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tocsin.core.annotated import Said
from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.view import IncidentView

SUBJECT_MAX = 160  # what a lock screen or a mail list can show is shorter still; the rest is in the text
TITLE_MAX = 300
NAMED_ALERTS_MAX = 5
SAYS_MAX = 500  # of an alert's description in a page; the incident's page has more of it
LINKS_MAX = 3  # in a page: the runbook first
ENDED = ("resolved", "closed")
NEWS = ("update:", "tell:", "promised:")  # begins the rules that owe somebody news

Event = Literal["page", "notice", "resolved", "bundle", "test", "alarm"]


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """One incident a message speaks of, as it is at send time; `rank` is its severity's (0 is the worst).

    `url` is the incident's page. `owed` False: it was forgiven since the message was put together. `said`: what its
    alerts say themselves.
    """

    incident: IncidentView
    rank: int
    url: str
    owed: bool = True
    said: Said = Said()

    @property
    def waits(self) -> bool:
        """Whether somebody still has to say that they have it."""
        return self.incident.status in OPEN_STATUSES and self.incident.acknowledged_at is None


class Addressed(msgspec.Struct, frozen=True, kw_only=True):
    """To whom the message goes and why: the person's id and zone, the escalation level (0: none)."""

    person: str
    zone: str
    level: int
    notice: bool


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    event: Event
    subject: str
    text: str


def wording(
    concerns: tuple[Concern, ...], to: Addressed, now: datetime, acknowledge_url: str | None, list_url: str
) -> Wording:
    """The words of one message about one incident, or of a bundle about several.

    `list_url`: where all incidents are shown; only a bundle names it.
    """
    if len(concerns) > 1:
        return _bundle(concerns, to, now, acknowledge_url, list_url)
    concern = concerns[0]
    if concern.incident.kind == "duty":
        return _owed(concern, to, now)
    if concern.incident.status in ENDED:
        return _resolved(concern, to, now)
    return _page(concern, to, now, acknowledge_url)


def trial(person: str, now: datetime, zone: str) -> Wording:
    """The words of a test message, which asks for nothing."""
    text = f"This is a test of how Tocsin reaches {person}, sent at {clock(now, zone)}.\n\nNothing is broken.\n"
    return Wording(event="test", subject="Test: Tocsin can reach you", text=text)


def verifying(code: str, now: datetime, zone: str) -> Wording:
    """The words that carry a six-digit code."""
    text = f"Your code for Tocsin is {code}.\n\nIt is good for 15 minutes from {clock(now, zone)}.\n"
    return Wording(event="test", subject=f"Your code for Tocsin: {code}", text=text)


def entering(link: str, where: str, now: datetime, zone: str) -> Wording:
    """The words that carry a sign-in link to whoever asked for it, or did not."""
    text = (
        f"Somebody at {one_line(where, 60) or 'an unknown address'} asked to sign in to Tocsin as you.\n\n"
        f"If that was you, open this within 15 minutes of {clock(now, zone)}; it works once:\n\n{link}\n\n"
        "If it was not, do nothing: only you have this link.\n"
    )
    return Wording(event="test", subject="Your way in to Tocsin", text=text)


def alarming(reason: str, now: datetime, zone: str, ready_url: str) -> Wording:
    """The words that say what is wrong with Tocsin itself, to the person who keeps it."""
    text = _sheet(one_line(reason, 1000), f"Noticed at {clock(now, zone)}. {ready_url} says more.")
    return Wording(event="alarm", subject=one_line(reason, SUBJECT_MAX), text=text)


def one_line(text: str, most: int = TITLE_MAX) -> str:
    """`text` without line breaks, control or direction-changing characters, at most `most` characters long."""
    clean = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def span(length: timedelta) -> str:
    """A length of time in words, to the precision a person needs: 40 seconds, 12 minutes, 3 hours 5 minutes, 2 days."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return _count(seconds, "second")
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 60:
        return _count(minutes, "minute")
    if hours < 24:
        rest = minutes % 60
        return _count(hours, "hour") + (f" {_count(rest, 'minute')}" if rest else "")
    rest = hours % 24
    return _count(days, "day") + (f" {_count(rest, 'hour')}" if rest and days < 7 else "")


# Control characters, lone surrogates, and the marks that turn the reading direction: a label must not be able to
# break a header, an SMTP line or the order of the words around it.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def _page(concern: Concern, to: Addressed, now: datetime, acknowledge_url: str | None) -> Wording:
    incident = concern.incident
    told = "For your information" if to.notice else ""
    why = one_line(incident.paged_because)
    rows = [
        ("Why", "" if why == "opened" else why),
        ("Severity", one_line(incident.severity, 40)),
        ("Service", one_line(", ".join(incident.services) or incident.service or "")),
        ("Since", _since(incident, to, now)),
        ("Alerts", _alerts(incident)),
        ("Says", one_line(concern.said.description, SAYS_MAX)),
        ("Impact", one_line(incident.impact or "")),
        *((one_line(name, 40), address) for name, address in concern.said.links[:LINKS_MAX]),
        ("Status", _status(incident)),
        ("Paged", _paged(incident, to)),
    ]
    asks = [f"Acknowledge: {acknowledge_url}"] if acknowledge_url else []
    text = _sheet(
        "This is a drill." if incident.drill else "",
        told,
        one_line(incident.title),
        _table(rows),
        _named(incident),
        drafted(incident, now),
        "\n".join([*asks, f"Incident:    {concern.url}"]),
    )
    event: Event = "notice" if to.notice else "page"
    return Wording(event=event, subject=_subject(incident, f"{why}: " if to.notice and why else ""), text=text)


def drafted(incident: IncidentView, now: datetime) -> str:
    """News for the audience that is owed some, as far as the facts go; a person sends it, Tocsin never does."""
    owed = [each for each in incident.promises if each.audience and each.rule.startswith(NEWS)]
    promise = next((each for each in owed if (each.audience or "").casefold() == incident.paged_for.casefold()), None)
    if promise is None or not incident.paged_for:
        return ""
    who = ", ".join(person for people in incident.roles.values() for person in people) or incident.acknowledged_by
    lines = [
        f"{one_line(incident.title)} ({incident.severity}, {incident.status}), since {_began(incident):%H:%M} UTC.",
        f"Impact: {one_line(incident.customer_impact or incident.impact or '[what people notice]')}",
        f"Cause: {one_line(incident.root_cause)}" if incident.root_cause else "",
        f"{one_line(who, 120)} works on it." if who else "Nobody has taken it yet.",
        "Next steps: [what happens now]",
        "Next update by: [time]",
    ]
    command = f'tocsin incident update {incident.reference} "..." --audience "{incident.paged_for}"'
    body = "\n".join(f"  {line}" for line in lines if line)
    return f"A draft for {one_line(incident.paged_for)}, from what is known:\n{body}\nTo post it: {command}"


def _owed(concern: Concern, to: Addressed, now: datetime) -> Wording:
    """A reminder of upkeep."""
    duty = concern.incident
    if not duty.promises and duty.paged_because:  # nothing is owed by a day: it says itself what it is about
        why = one_line(duty.paged_because)
        return Wording(
            event="notice", subject=one_line(why, SUBJECT_MAX), text=_sheet(why, f"To see it: {concern.url}")
        )
    due = next((each.due_at for each in duty.promises if each.due_at), None)
    late = due is not None and due <= now
    when = f"{'was' if late else 'is'} due {clock(due, to.zone)}" if due else "is owed"
    head = f"{'Overdue' if late else 'Owed'}: {one_line(duty.title)}"
    text = _sheet(head, f"It {when}.", f"When it is done: tocsin duty done {duty.reference}\nDuties: {concern.url}")
    return Wording(event="notice", subject=one_line(f"{head} ({duty.reference})", SUBJECT_MAX), text=text)


def _resolved(concern: Concern, to: Addressed, now: datetime) -> Wording:
    incident = concern.incident
    ended = incident.resolved_at or incident.closed_at or now
    rows = [
        ("Severity", one_line(incident.severity, 40)),
        ("Service", one_line(", ".join(incident.services) or incident.service or "")),
        ("Ended", clock(ended, to.zone)),
        ("Lasted", span(ended - _began(incident))),
        ("Cause", one_line(incident.root_cause or "")),
    ]
    text = _sheet(f"{one_line(incident.title)}: {incident.status}", _table(rows), f"Incident:    {concern.url}")
    return Wording(event="resolved", subject=_subject(incident, "Resolved: "), text=text)


def _bundle(
    concerns: tuple[Concern, ...], to: Addressed, now: datetime, acknowledge_url: str | None, list_url: str
) -> Wording:
    ordered = sorted(concerns, key=lambda each: (not each.waits, each.rank, each.incident.opened_at))
    waiting = sum(each.waits for each in ordered)
    worst = ordered[0].incident
    drill = "[DRILL] " if all(each.incident.drill for each in ordered) else ""
    if waiting:
        head = f"{_count(waiting, 'incident')} {'wait' if waiting > 1 else 'waits'} for you"
        subject = (
            f"{drill}{head}, the worst is {one_line(worst.severity, 40)}: {one_line(worst.title)} ({worst.reference})"
        )
    else:
        head = f"News of {_count(len(ordered), 'incident')}"
        subject = f"{drill}{head}: {', '.join(each.incident.reference for each in ordered)}"
    lines = [_listed(each, to, now) for each in ordered]
    asks = [f"Acknowledge {'all ' if waiting > 1 else ''}{waiting}: {acknowledge_url}"] if acknowledge_url else []
    why = "Much is happening at once, so they come in one message."
    text = _sheet(f"{head}. {why}", "\n".join(lines), "\n".join([*asks, f"All incidents: {list_url}"]))
    return Wording(event="bundle", subject=one_line(subject, SUBJECT_MAX), text=text)


def _listed(concern: Concern, to: Addressed, now: datetime) -> str:
    incident = concern.incident
    state = "" if concern.waits else f" ({_status(incident)})"
    service = f", {one_line(incident.service, 60)}" if incident.service else ""
    drill = "drill, " if incident.drill else ""
    return (
        f"- [{one_line(incident.severity, 40)}] {incident.reference} {one_line(incident.title)}{state}\n"
        f"  {drill}since {_since(incident, to, now)}{service}"
    )


def _subject(incident: IncidentView, before: str = "") -> str:
    """The title is what is cut when there is too much, never the severity or the reference."""
    head = f"{before}{'[DRILL] ' if incident.drill else ''}[{one_line(incident.severity, 40)}] "
    tail = f" ({one_line(incident.reference, 60)})"
    return head + one_line(incident.title, max(20, SUBJECT_MAX - len(head) - len(tail))) + tail


def _began(incident: IncidentView) -> datetime:
    return incident.corrected.get("started_at", incident.opened_at)


def _since(incident: IncidentView, to: Addressed, now: datetime) -> str:
    began = _began(incident)
    return f"{clock(began, to.zone, now)}, {span(now - began)} ago"


def clock(at: datetime, zone: str, now: datetime | None = None) -> str:
    """An instant in UTC, and in the reader's zone where that differs; with the date unless `now` is on the same day."""
    day = "" if now is not None and at.date() == now.date() else f"{at:%Y-%m-%d} "
    text = f"{day}{at:%H:%M} UTC"
    local = _local(at, zone)
    if local is None or local.utcoffset() == at.utcoffset():
        return text
    local_day = "" if local.date() == at.date() else f"{local:%Y-%m-%d} "
    return f"{text} ({local_day}{local:%H:%M} {zone})"


def _local(at: datetime, zone: str) -> datetime | None:
    try:
        return at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a zone that was mistyped must not cost the page
        return None


def _alerts(incident: IncidentView) -> str:
    if not incident.alert_count:
        return ""
    if incident.firing == incident.alert_count:
        return f"{incident.firing} firing"
    return f"{incident.firing} firing of {incident.alert_count}"


def _named(incident: IncidentView) -> str:
    """The alerts' own titles, unless they only repeat the incident's."""
    titles = list(dict.fromkeys(one_line(alert.title) for alert in incident.alerts))
    if not [title for title in titles if title != one_line(incident.title)]:
        return ""
    shown = titles[:NAMED_ALERTS_MAX]
    more = len(titles) - len(shown)
    return "\n".join([f"- {title}" for title in shown] + ([f"- and {more} more"] if more else []))


def _status(incident: IncidentView) -> str:
    if incident.status in ENDED:
        return f"{incident.status} by {incident.resolved_by}" if incident.resolved_by else incident.status
    if incident.acknowledged_at is None:
        return f"{incident.status}, nobody has it yet"
    return f"{incident.status}, acknowledged by {one_line(incident.acknowledged_by or 'somebody', 80)}"


def _paged(incident: IncidentView, to: Addressed) -> str:
    level = f"level {to.level}" if to.level else ""
    others = [one_line(person, 80) for person in incident.paged if person != to.person]
    missed = [one_line(person, 80) for person in incident.unreachable if person != to.person]
    also = f"also paged: {', '.join(others)}" if others else ""
    lost = f"could not be reached: {', '.join(missed)}" if missed else ""
    return "; ".join(part for part in (level, also, lost) if part)


def _table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name + ':':<12} {value}" for name, value in rows if value)


def _sheet(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def public(concerns: tuple[Concern, ...]) -> dict[str, Any]:
    """What a machine receiver gets: the incident's public JSON, or `incidents` with what names each of a bundle."""
    if len(concerns) == 1:
        return dict(msgspec.to_builtins(concerns[0].incident))
    return {
        "incidents": [
            {name: msgspec.to_builtins(getattr(each.incident, name)) for name in _BRIEF} | {"url": each.url}
            for each in concerns
        ]
    }


_BRIEF = (
    "id",
    "reference",
    "title",
    "status",
    "severity",
    "service",
    "opened_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "firing",
    "drill",
)
