"""Duties to tell somebody once: whom, within what time, by which channels, and what about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.core.policy import Communication, Deadline, Source
from tocsin.guide.blocks import Document
from tocsin.guide.cadences import AUDIENCES, audience, sentences
from tocsin.guide.ids import mentioned
from tocsin.guide.inline import plain, split_label
from tocsin.guide.notes import Notes
from tocsin.guide.parties import channels
from tocsin.guide.quantity import deadline, scan
from tocsin.guide.severities import Scheme

_TIMING = re.compile(r"^(?:timing|when|deadline|timeline|sla)$", re.I)


def compile_communications(document: Document, scheme: Scheme, notes: Notes) -> tuple[Communication, ...]:
    """Duties to tell somebody once: "Timing: within 1 hour for P0/P1" under a heading that names the audience."""
    found: list[Communication] = []
    for section in document.sections():
        if section.region != "policy" or not re.search(
            r"communicat|customer|partner|media|stakeholder|external|notification", " ".join(section.path()), re.I
        ):
            continue
        timing: Deadline | None = None
        content: list[str] = []
        told: tuple[str, ...] = ()
        condition, line = "", section.line
        severities: tuple[str, ...] = ()
        for block in section.blocks:
            for item in block.items:
                label = split_label(item.text)
                if label is None:
                    continue
                text = plain(label.value)
                if _TIMING.match(label.label):
                    limits = [each for each in scan(text) if each.kind not in ("interval", "offset")]
                    timing = deadline(limits[0]) if len(limits) == 1 else None
                    severities = mentioned(text, scheme.known)
                    aside = re.search(r"\bif\b.*$", text)
                    condition = aside[0] if aside else text if timing is None else ""
                    line = item.line
                elif re.match(r"channels?$", label.label, re.I):
                    told = channels(text) or tuple(part.strip() for part in text.split(",") if part.strip())
                elif re.match(r"content$", label.label, re.I):
                    content = [plain(sub.text) for child in item.blocks for sub in child.items] or [
                        part.strip() for part in text.split(",") if part.strip()
                    ]
        if timing is not None or (told and (content or condition)):
            notes.use(line)
            found.append(Communication(audience=audience(section, section.title), severities=severities, within=timing, channels=told, content=tuple(content), condition=condition, source=Source(line=line)))  # fmt: skip
    return tuple(found) + tuple(_public_updates(document, scheme, notes))


_CALLS = re.compile(r"\b(?:tele)?phone\b|\bvoice\s+calls?\b|\bcall(?:ed|s)?\s+(?:directly|in\s+person)\b", re.I)


_PUBLIC = re.compile(r"status\s*page|customers?|users|partners?|stakeholders", re.I)
_TELLING = re.compile(r"\bupdate|\bnotif|\binform|\breceive|\bcommunicat|\bpost", re.I)


def compile_phone(document: Document, scheme: Scheme, notes: Notes) -> tuple[str, ...]:
    """Severities for which the guide has people called: "Escalation: direct phone calls for P0 incidents"."""
    found: dict[str, None] = {}
    for sentence in sentences(document, scheme):
        text = plain(sentence.text)
        if len(text) <= 300 and _CALLS.search(text) and (named := mentioned(text, scheme.known)):
            notes.use(sentence.line)
            found |= dict.fromkeys(named)
    return tuple(found)


def _public_updates(document: Document, scheme: Scheme, notes: Notes) -> Iterator[Communication]:
    """`P0 incidents receive a public status page update within 30 minutes`."""
    for sentence in sentences(document, scheme):
        text = plain(sentence.text)
        if len(text) > 300 or not _PUBLIC.search(text):
            continue
        if not _TELLING.search(text):
            continue
        limits = [
            each
            for each in scan(text)
            if each.kind in ("elapsed", "business_days", "business_hours", "calendar") and each.bound in ("<=", "=")
        ]
        severities = mentioned(text, scheme.known) or sentence.scope
        if len(limits) == 1 and limits[0].value and re.search(r"\bwithin\b", text, re.I) and severities:
            who = next((name for pattern, name in AUDIENCES if re.search(pattern, text, re.I)), "stakeholders")
            if not _TIMING.match(sentence.label) and sentence.section.level:
                notes.use(sentence.line)
                yield Communication(
                    audience=who,
                    severities=severities,
                    within=deadline(limits[0]),
                    channels=channels(text),
                    source=Source(line=sentence.line),
                )
