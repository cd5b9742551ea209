"""Alertmanager's groups: one name for each, whichever receiver tells of it, so that all of them are one incident.

Its webhook says the group's key; PagerDuty, Opsgenie and VictorOps get the SHA-256 of that key as theirs.
Source: prometheus/alertmanager notify/util.go (`Key.Hash`), docs/decisions/0190-one-group-through-every-receiver.md
"""

from __future__ import annotations

import hashlib
import re

GROUP_CHARACTERS = 16  # of a digest: 64 bits tell the groups of a house apart, and people read the correlation key
KEY_CHARACTERS_MAX = 100_000  # a key that is cut is another key
_DIGEST = re.compile("[0-9a-f]{64}")


def group_named(group_key: str) -> str | None:
    """One name for a group of Alertmanager's, from the key that its webhook says; None without one."""
    return hashlib.sha256(group_key.encode("utf-8", "replace")).hexdigest()[:GROUP_CHARACTERS] if group_key else None


def group_of(dedup_key: str, *, marked: bool) -> str | None:
    """The same name, from the key by which its other receivers tell alerts apart: the SHA-256 of that group key.

    `marked`: the message says in another way that it is Alertmanager's; anybody may use a digest as a key.
    """
    return dedup_key[:GROUP_CHARACTERS] if marked and _DIGEST.fullmatch(dedup_key) else None
