"""What a server that is asked for numbers answers, apart from how it is asked: who only judges loads no HTTP client."""

from __future__ import annotations

import msgspec

from tocsin.core.metricwatch import Points


class Unanswered(Exception):
    """Nobody answered, or not in a way that means anything; the text says what came instead."""


class Refused(Exception):
    """The question itself is wrong, so that asking again does not help; the text is the server's."""


class Series(msgspec.Struct, frozen=True):
    """One series of an answer, with its labels; the points of an instant question are one."""

    labels: dict[str, str]
    points: Points
