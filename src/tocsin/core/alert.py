"""What a monitor said: reports as they come in, the episode they add up to, and how two reports merge.

Identity is the fingerprint; one episode is (fingerprint, starts_at). Merging is commutative and idempotent: any
permutation of deliveries, with repeats, gives the same episode.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core.texts import TITLE_MAX, one_line, shortened

_blake2b = hashlib.blake2b
_SORTED = msgspec.json.Encoder(order="sorted")

Action = Literal["fire", "acknowledge", "resolve", "change", "note"]


class Report(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One alert as one delivery told it, in any wire format.

    `fingerprint`: `fingerprint_of(labels)` where labels are the identity, else made from what the vendor calls identity
    (dedup key, alias, entity id) within its source. `starts_at` None: the sender gave none. `ends_at` None: not ended;
    with `timeout` it is a heartbeat deadline ("resolved unless repeated"), without it, and not after `received_at`, an
    end. `change` is a deployment or other change event that opens nothing; `note` adds text to what is open.
    Labels may be empty where an acknowledge, resolve or note only names the alert it means: what is known stays.
    """

    action: Action
    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    timeout: bool = False
    url: str = ""
    group: str | None = None  # the sender's own grouping key, opaque
    text: str = ""
    identity: str = ""  # what the vendor calls it: "dedup_key ...", "alias ..."; empty where the labels are it
    said_at: datetime | None = None  # of an acknowledgement, as the sender says


class Episode(msgspec.Struct, kw_only=True, gc=False):
    """The state of one alert episode in the alert table."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None  # a heartbeat deadline while firing, the end afterwards; None: open end
    timeout: bool
    updated_at: datetime
    source: str
    url: str = ""
    identity: str = ""
    count: int = 1  # deliveries that said "firing"
    incident: str | None = None  # stream id of the incident it belongs to
    verdict: Verdict | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What triage made of an alert, and why, in sentences a tired person can read.

    `outcome`: page (open or join the incident of `key`), or why nobody is paged. `by` names the silences, the alert
    that inhibits, the maintenance windows or the route that decided. `reopen_seconds`: how long after its resolution
    the same key reopens the incident.
    """

    outcome: Literal["page", "silenced", "inhibited", "maintenance", "threshold", "not_paged"]
    guide: str = ""
    severity: str = ""
    service: str | None = None
    key: str = ""
    route: str = ""
    escalation: str | None = None
    by: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    reopen_seconds: int = 0
    private: bool = False


def fingerprint_of(labels: dict[str, str]) -> str:
    """16 hex digits naming a label set; equal sets have equal fingerprints, in any order."""
    return f"{fingerprint_number(labels):016x}"


def fingerprint_number(labels: dict[str, str]) -> int:
    """The fingerprint as the number that its digits spell."""
    try:
        text = _SORTED.encode(labels)
    except UnicodeEncodeError:  # a lone surrogate, which JSON in UTF-8 cannot hold
        text = repr(sorted(labels.items())).encode("utf-8", "surrogatepass")
    return int.from_bytes(_blake2b(text, digest_size=8).digest(), "big")


def identity_of(source: str, identity: str) -> str:
    """16 hex digits for what a vendor calls identity, scoped to the source that said it."""
    return _blake2b(f"{source}\xff{identity}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def title_of(labels: dict[str, str], annotations: dict[str, str]) -> str:
    """One line for people: the summary if there is one, else the alert's name and where it is; `TITLE_MAX` at most."""
    summary = one_line(shortened(annotations.get("summary") or annotations.get("title") or "", TITLE_MAX))
    if summary:
        return summary
    name = shortened(labels.get("alertname", "alert"), TITLE_MAX // 2)
    place = shortened(labels.get("service") or labels.get("instance") or labels.get("job") or "", TITLE_MAX // 2 - 3)
    return one_line(f"{name} ({place})" if place else name)
