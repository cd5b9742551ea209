"""The incident page's part about the public: whether the incident stands on status pages, and what providers say."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.core.status import impact_of_rank
from tocsin.http.deps import Deps
from tocsin.ports import IndexRow
from tocsin.status.watch import Seen


class PublicPart(msgspec.Struct, frozen=True, kw_only=True):
    """`pages`: (id, address) of each page it stands on; empty: it is not public."""

    name: str
    status: str
    pages: tuple[tuple[str, str], ...]
    updates: int
    would_be: str
    providers: tuple[Seen, ...]


def public_part(deps: Deps, row: IndexRow, services: Any) -> PublicPart:
    """What responders see; `services` are those the incident affects."""
    known = deps.board.known
    found = next((each for each in known.incidents if each.id == row.incident and each.public), None)
    names = (found.pages or tuple(each.id for each in known.pages if each.default)) if found else ()
    touched = {row.service, *services}
    seen = deps.watch.seen.values()
    return PublicPart(
        name=found.name if found else "",
        status=found.status if found else "",
        pages=tuple((name, f"/status/{name}/incidents/{row.incident}") for name in names),
        updates=len(found.updates) if found else 0,
        would_be=impact_of_rank(row.rank),
        providers=tuple(each for each in seen if each.troubled and (not each.services or touched & set(each.services))),
    )
