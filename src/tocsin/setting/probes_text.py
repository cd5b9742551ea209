"""Suggested probes as a part of tocsin.toml."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tocsin.core.probe import Probe
from tocsin.core.probe_suggestions import Left, Suggested, Suggestion

WRITTEN = ("name", "kind", "url", "method", "address", "domain", "record", "service")
DEFAULTS = {"method": "GET", "record": "A"}


def fragment(found: Suggested) -> str:
    """Tables of probes, each below the command that it comes from; what makes no probe stands at the end."""
    return "\n".join([*(line for each in found.suggestions for line in _table(each)), *_left(found.left)])


def _table(each: Suggestion) -> Iterator[str]:
    lines = ", ".join(map(str, each.lines))
    yield f"# line{'s' if len(each.lines) > 1 else ''} {lines}: {_comment(each.code)}"
    if each.local:
        yield "# on the machine where Tocsin runs; put its address here if it is another one"
    yield "[[probes]]"
    yield from _fields(each.probe)
    yield ""


def _fields(probe: Probe) -> Iterator[str]:
    for key in WRITTEN:
        value = getattr(probe, key)
        if value is not None and value != DEFAULTS.get(key):
            yield f"{key} = {msgspec.json.encode(value).decode()}"  # a text in JSON is one in TOML
    if probe.kind == "http" and probe.page_before_seconds is not None:
        yield 'warn_before = "21d"'
        yield 'page_before = "24h"'


def _left(left: tuple[Left, ...]) -> Iterator[str]:
    if left:
        yield "# No probe came of:"
    for each in left:
        yield f"#   line {each.line}: {_comment(each.code)} ({_comment(each.because)})"


def _comment(text: str) -> str:
    """What TOML takes in a comment: no control character."""
    return "".join(each if each.isprintable() else " " for each in text)
