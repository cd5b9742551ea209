"""`/audit`: how far the record is protected, when it was last checked, and who did what."""

from __future__ import annotations

import re
from itertools import islice
from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.params import Parameter

from tocsin.core import ledger
from tocsin.guides import read_directory
from tocsin.http.api_audit import EntryView, view_of
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.ports import Store
from tocsin.proof.inspection import Checked, last_check
from tocsin.web.forms import HANDLERS, encodings, frame
from tocsin.web.render import page

SHOWN = 50
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")  # between the words of a fact's name
READ_MAX = 5_000  # entries that one page looks through: a quiet log has one heartbeat a minute, and little else


def newest(store: Store, tenant: str, before: int | None) -> tuple[list[EntryView], int | None]:
    """The entries of a page, newest first, without heartbeats; and where the next page begins, None at the end."""
    found: list[EntryView] = []
    entries = store.audit_newest(tenant, before, READ_MAX)
    said = ((entry.seq, view_of(entry)) for entry in entries)
    telling = ((seq, view) for seq, view in said if view.action != ledger.HEARTBEAT)
    last = None
    for seq, view in islice(telling, SHOWN):
        found.append(view)
        last = seq
    if len(found) < SHOWN:
        last = entries[-1].seq if len(entries) == READ_MAX else None
    return found, last if last else None


def did(entry: EntryView) -> str:
    """What somebody did, in words: `created team web`, `pages forgiven`."""
    kind, _, verb = entry.action.partition(".")
    if entry.resource_type == "incident":
        return f"{'' if kind == 'incident' else kind + ' '}{WORD.sub(' ', verb).lower()}:"
    return f"{verb or kind} {entry.resource_type} {entry.resource}"


@get("/audit", guards=[needs("audit.read")])
async def audit_page(
    request: Incoming, before: Annotated[int | None, Parameter(ge=0, description="Entries below this number")] = None
) -> Response[Any]:
    deps = deps_of(request)

    def look(store: Store) -> tuple[list[EntryView], int | None, Checked | None, Any]:
        return (
            *newest(store, deps.tenant, before),
            last_check(store, deps.tenant),
            read_directory(store, deps.tenant),
        )

    entries, older, checked, directory = await deps.read(look)
    protection = await deps.protection(deps.tenant)
    return page(
        "audit.html",
        encodings(request),
        entries=[(each, did(each)) for each in entries],
        older=older,
        before=before,
        checked=checked,
        protection=protection,
        **frame(request, directory, "audit"),
    )


def routes() -> Router:
    return Router("/", route_handlers=[audit_page], exception_handlers=HANDLERS, include_in_schema=False)
