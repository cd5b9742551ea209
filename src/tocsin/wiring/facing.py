"""Which ASGI application answers a path. Everything that no sender or provider calls is the API's and the pages'."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from tocsin.http.alertmanager import AlertmanagerApp
from tocsin.http.api import Faces
from tocsin.http.intake import IntakeApp
from tocsin.http.status import StatusApp, is_status
from tocsin.http.statuspage import ManageApp
from tocsin.http.twilio import TwilioApp
from tocsin.wiring.chatting import Chatting

ASGI = Callable[[Any, Any, Any], Awaitable[None]]


class Parts(Protocol):
    """The applications of one tenant."""

    status: StatusApp
    alertmanager: AlertmanagerApp
    chatting: Chatting
    twilio: TwilioApp
    manage: ManageApp
    intake: IntakeApp
    links: ASGI
    faces: Faces


def face_of(parts: Parts, path: str) -> ASGI:
    if is_status(path):
        return parts.status
    if path.startswith(("/api/v2/", "/-/")) or path == "/api/v1/alerts":
        return parts.alertmanager
    if path.startswith("/slack/"):
        return parts.chatting.slack
    if path.startswith("/telegram/"):
        return parts.chatting.telegram
    if path.startswith("/twilio/"):
        return parts.twilio
    if path.startswith("/v1/pages"):
        return parts.manage
    if path.startswith(("/in/", "/ping/")) or path in ("/v2/enqueue", "/v2/change/enqueue"):
        return parts.intake
    return parts.links if path.startswith("/a/") else parts.faces
