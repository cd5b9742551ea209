"""Probes of somebody else's status page: what they say of each component, as Statuspage publishes it.

Source: https://www.githubstatus.com/api (the summary that every Statuspage answers at /api/v2/summary.json).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tocsin.core.probe import COMPONENT, REACH, Probe, Problem
from tocsin.detect.asking import BODY_BYTES_MAX, ask, disbelieved, wrong_with
from tocsin.detect.reaching import Distrusted, Reach, Seen, Unreachable

SUMMARY = "/api/v2/summary.json"
COMPONENTS_MAX = 200  # of one page that are watched, where none is named
NAME_MAX = 120
INCIDENTS_TOLD = 3

WORKS = ("operational", "under_maintenance")
WORDS = {
    "degraded_performance": "has degraded performance",
    "partial_outage": "has a partial outage",
    "major_outage": "has a major outage",
}


class Component(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    status: str
    id: str = ""
    group: bool = False


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    status: str = ""
    shortlink: str | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    components: list[Component]
    incidents: list[Incident] = []
    status: dict[str, Any] = {}


_summary = msgspec.json.Decoder(Summary)


async def status_page(probe: Probe, reach: Reach, now: datetime) -> Seen:
    """What the page says of its components; a page that cannot be read is a finding of its own."""
    try:
        answer = await ask(probe, summary_url(probe.url or ""), reach)
    except Distrusted as error:
        return await disbelieved(probe, reach, error, now)
    except Unreachable as error:
        return Seen(found={REACH: Problem(text=str(error), severity=probe.warn_severity)})
    evidence = {"http_status": str(answer.status), "address": answer.address}
    wrong = wrong_with(probe, answer)
    if not wrong and not answer.whole:
        wrong = f"answers with more than {BODY_BYTES_MAX // 1024} KiB"
    if not wrong:
        try:
            summary = _summary.decode(answer.body)
        except (msgspec.DecodeError, RecursionError) as error:
            wrong = f"answers with no summary of a status page: {error}"
    if wrong:  # what cannot be known is less urgent than what is known to be down
        return Seen(found={REACH: Problem(text=wrong, severity=probe.warn_severity)}, evidence=evidence)
    return Seen(found=judged(probe, summary), evidence=evidence | _told(summary))


def summary_url(url: str) -> str:
    """Where the summary of a page is; an address that names a file is taken as it is."""
    return url if urlsplit(url).path.endswith(".json") else url.rstrip("/") + SUMMARY


def judged(probe: Probe, summary: Summary) -> dict[str, Problem | None]:
    """A finding or none for each component that is watched, and for a page that lacks one."""
    wanted = {each.casefold() for each in probe.components}
    if wanted:
        watched = [each for each in summary.components if {each.name.casefold(), each.id.casefold()} & wanted]
    else:
        watched = [each for each in summary.components if not each.group][:COMPONENTS_MAX]
    known = {name.casefold() for each in summary.components for name in (each.name, each.id)}
    missing = [each for each in probe.components if each.casefold() not in known]
    text = f"names no component {missing[0]!r}" if missing else ""
    reach = Problem(text=text, severity=probe.warn_severity) if missing else None
    found: dict[str, Problem | None] = {REACH: reach}
    for each in watched:
        subject = COMPONENT + " ".join(each.name.split())[:NAME_MAX]
        found[subject] = _worse(found.get(subject), _problem(probe, each))
    return found


def _problem(probe: Probe, component: Component) -> Problem | None:
    if component.status in WORKS:
        return None
    said = WORDS.get(component.status, f"is {component.status[:40]!r}")
    urgent = component.status in ("partial_outage", "major_outage")
    return Problem(text=said, severity=None if urgent else probe.warn_severity)


def _worse(one: Problem | None, other: Problem | None) -> Problem | None:
    """Of two components that share a name."""
    return min((each for each in (one, other) if each), key=lambda each: each.severity is not None, default=None)


def _told(summary: Summary) -> dict[str, str]:
    """What the provider says itself, for people."""
    said = {"page_status": str(summary.status.get("description", ""))[:200]} if summary.status else {}
    news = [f"{each.name} ({each.status}) {each.shortlink or ''}".strip()[:300] for each in summary.incidents]
    if news:
        said["provider_incidents"] = "; ".join(news[:INCIDENTS_TOLD])
    return said
