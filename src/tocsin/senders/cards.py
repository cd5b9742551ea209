"""Which messages of delivery are about one incident, and its card."""

from __future__ import annotations

import msgspec

from tocsin.core.chat_text import Card, card
from tocsin.core.view import IncidentView
from tocsin.ports import Message

INCIDENT_EVENTS = ("page", "notice", "resolved")


def card_in(message: Message) -> Card | None:
    """The card of the incident the message is about; None for a bundle, an announcement, a test or an alarm."""
    if message.event not in INCIDENT_EVENTS:
        return None
    try:
        return card(msgspec.convert(message.data, IncidentView), message.incident_url)
    except msgspec.ValidationError:  # whoever made the message gave only a part; its own words are still right
        return None
