"""What one delivery says about an alert, as the merge takes it."""

from __future__ import annotations

import msgspec

from tocsin.core import merge
from tocsin.core.alert import Report
from tocsin.core.merge import FOREVER, Life
from tocsin.intake.committer import Accepted
from tocsin.intake.packed import unpacked
from tocsin.intake.postable import Body, Known, PostableReader, Reading
from tocsin.intake.posting import Posted
from tocsin.intake.times import microseconds

_body = msgspec.json.Encoder()


def reading_of(accepted: Accepted, reader: PostableReader, known: Known) -> Reading:
    """What was posted to `/api/v2/alerts`, as it was read at the door, or on the porch; else it is read now."""
    said = accepted.said
    if isinstance(said, Reading):
        return said
    if isinstance(said, bytes):
        rows = unpacked(accepted.body, said, accepted.received_us, reader.resolve_timeout_us)
        return Reading(rows, [], 200)
    return reader.read(accepted.body, accepted.received_us, known)


def life_of_posted(said: Posted, order: int, received_us: int) -> Life:
    """The life after one alert that was posted to `/api/v2/alerts`."""
    if said.fires:
        starts = said.starts_us or min(received_us, said.ends_us)
        return merge.fired(order, starts, said.ends_us, timeout=said.timeout)
    return merge.resolved(order, said.starts_us, said.ends_us)


def life_of(report: Report, order: int, received_us: int) -> Life:
    """The life after one report that its alert fires or is over."""
    starts = microseconds(report.starts_at) if report.starts_at else 0
    ends = microseconds(report.ends_at) if report.ends_at else 0
    if report.action == "resolve":
        return merge.resolved(order, min(starts, ends or received_us), min(ends or received_us, received_us))
    if ends and ends <= received_us and not report.timeout:
        return merge.resolved(order, min(starts, ends), ends)
    return merge.fired(order, starts or received_us, ends or FOREVER, timeout=report.timeout)


def mark_of(said: Posted) -> int:
    """Tells whether annotations and link are those of the last delivery."""
    return hash(bytes(said.raw_annotations)) ^ hash(bytes(said.raw_url))


def body_of_report(report: Report) -> bytes:
    """What is stored of the alert that a report tells of."""
    identity = report.identity or msgspec.UNSET
    return _body.encode(Body(labels=report.labels, annotations=report.annotations, url=report.url, identity=identity))
