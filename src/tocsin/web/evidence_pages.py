"""The incident page's part about evidence, and the form that adds a file: it works without scripts, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from litestar import Router, post
from litestar.response import Redirect
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from tocsin.core.access import Actor, may
from tocsin.core.evidence import Hold, Item, redacted, size_words
from tocsin.core.evidence_profile import Checked, checked, profile
from tocsin.core.facts import AnyFact
from tocsin.core.incident import fold
from tocsin.core.policy import Policy
from tocsin.evidenceport import Label, NotCollected
from tocsin.http.api_custody import commanded
from tocsin.http.api_evidence import refused
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.web.forms import HANDLERS

SMALL_MAX = 4_000  # bytes of a field that is no file
FILE = "file"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An item as the page shows it."""

    item: Item
    size: str
    redacted: str
    held: Hold | None


class EvidencePart(msgspec.Struct, frozen=True, kw_only=True):
    """`steps`: what the guide asks to be kept, shown once anything was; `may_*`: what the reader may do."""

    rows: tuple[Row, ...]
    steps: tuple[Checked, ...]
    hold: Hold | None
    may_read: bool
    may_add: bool
    may_export: bool
    may_hold: bool


def evidence_part(history: Sequence[AnyFact], policy: Policy, actor: Actor) -> EvidencePart:
    """What there is, and what is missing."""
    incident = fold(history)
    assert incident is not None, "an incident that is shown has facts"
    evidence, resource = incident.evidence, commanded(incident)
    rows = [
        Row(item=each, size=size_words(each.size), redacted=redacted(each.redactions), held=evidence.held(each.item))
        for each in evidence.items.values()
    ]
    steps = checked(profile(policy), evidence)
    return EvidencePart(
        rows=tuple(reversed(rows)),
        steps=steps if rows or not all(each.step.proposed for each in steps) else (),
        hold=evidence.hold,
        may_read=bool(may(actor, "evidence.read")),
        may_add=bool(may(actor, "evidence.collect")),
        may_export=bool(rows) and bool(may(actor, "evidence.export", resource)),
        may_hold=bool(may(actor, "evidence.hold", resource)),
    )


@post("/incidents/{incident:str}/evidence", guards=[needs("evidence.collect")], request_max_body_size=None)
async def add_file(request: Incoming, incident: str) -> Redirect:
    """The file of a form is evidence. What is asked of it stands before it in the form."""
    deps = deps_of(request)
    form = Form(request.stream(), request.content_type[1].get("boundary", ""))
    fields = await form.until_file()
    label = Label(name=(form.filename or "file")[-200:], keep_original="keep_original" in fields)
    try:
        where, _ = await deps.evidence.collect(request.user.id, incident, label, form.file())
    except NotCollected as error:
        raise refused(error) from error
    except (ValueError, MultipartError) as error:
        raise Unacceptable(f"file: expected a form with a file, got: {error}") from error
    return Redirect(f"/incidents/{where}#evidence-title", status_code=303)


class Form:
    """A multipart form, read as it comes: small fields first, then one file of any length."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: str) -> None:
        if not boundary:
            raise Unacceptable("body: expected multipart/form-data, got something else")
        self._events = self._parsed(PushMultipartParser(boundary), chunks)
        self.filename = ""

    async def until_file(self) -> dict[str, str]:
        """The fields before the file. Raises Unacceptable where there is no file."""
        fields: dict[str, str] = {}
        name, value = "", b""
        try:
            async for event in self._events:
                if isinstance(event, MultipartSegment):
                    name, value = event.name or "", b""
                    if event.filename is not None:
                        self.filename = event.filename.rpartition("/")[2].rpartition("\\")[2]
                        return fields
                elif event is None:
                    fields[name] = value.decode("utf-8", "replace")
                else:
                    value = (value + event)[:SMALL_MAX]
        except MultipartError as error:
            raise Unacceptable(f"body: expected multipart/form-data, got: {error}") from error
        raise Unacceptable("file: expected a file, got none")

    async def file(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if event is None:
                return
            yield bytes(event)

    @staticmethod
    async def _parsed(parser: PushMultipartParser, chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for chunk in chunks:
            if chunk and not parser.closed:
                for event in parser.parse(chunk):
                    yield event
        parser.close()


def routes() -> Router:
    return Router("/", route_handlers=[add_file], exception_handlers=HANDLERS, include_in_schema=False)
