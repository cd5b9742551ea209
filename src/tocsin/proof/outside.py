"""Which process signs the audit trail, and which places outside are given its checkpoints, as configured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from tocsin.anchors.places import DirectoryPlace, GitPlace, MessagePlace, Place, Post, TimeStampPlace
from tocsin.clock import Clock
from tocsin.ports import Receipt, Sender
from tocsin.proof.notary import Desk, Notary, own_signer
from tocsin.senders.http import Poster, target
from tocsin.setting.config import AnchorSetting, Config

STAMP_BYTES_MAX = 64 * 1024  # a token with the certificates of its authority


class Office(Desk, Protocol):
    clock: Clock


def notary_of(office: Office, config: Config, name: str, senders: Mapping[str, Sender]) -> Notary:
    """Raises ValueError for an anchor whose channel is not configured."""
    return Notary(
        office,
        office.clock,
        signer=config.audit_signer or own_signer(config.data / "signer"),
        name=name,
        places=[_place(each, config, senders) for each in config.anchors],
        every=timedelta(seconds=config.audit_every_seconds),
    )


def kept_locally(config: Config, anchor: AnchorSetting) -> Path:
    """Where this machine has what an anchor keeps: its directory, or a clone that `git pull` renews."""
    return Path(anchor.to) if anchor.kind == "directory" else config.data / "anchors" / anchor.name


def _place(anchor: AnchorSetting, config: Config, senders: Mapping[str, Sender]) -> Place:
    match anchor.kind:
        case "directory":
            return DirectoryPlace(anchor.name, Path(anchor.to))
        case "git":
            return GitPlace(anchor.name, anchor.to, kept_locally(config, anchor))
        case "timestamp":
            poster = Poster(allow_private=config.webhook.allow_private, answer_bytes_max=STAMP_BYTES_MAX)
            return TimeStampPlace(anchor.name, anchor.to, _stamped(poster), kept_locally(config, anchor))
    sender = senders.get(anchor.kind)
    if sender is None:
        raise ValueError(f"anchors.{anchor.name}: expected a configured channel, got {anchor.kind} and no [smtp]")
    return MessagePlace(anchor.name, sender, anchor.to)


def _stamped(poster: Poster) -> Post:
    async def post(url: str, body: bytes, content_type: str) -> bytes:
        answer = await poster.post(target(url), {"Content-Type": content_type}, body)
        if isinstance(answer, Receipt):
            raise ValueError(answer.detail)
        if not 200 <= answer.status < 300:
            raise ValueError(f"answered {answer.status}")
        return answer.body

    return post
