"""The store as whoever asks may see it: private incidents of others are not there, as if they had never been.

Every read of every face comes through here, so that a new listing, search or count hides them by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, cast

from tocsin import acting
from tocsin.core.facts import AnyFact
from tocsin.core.ledger import Entry, shown
from tocsin.core.people import Directory
from tocsin.core.sight import Sight, sight_of, teams_of, within
from tocsin.ports import Claim, IndexRow, Store

T = TypeVar("T")
AUDIT_PAGE = 200  # entries looked at in one go, for a page of those that may be seen


class Sighted:
    """A store without the incidents that `sight` does not reach. What it does not name here it hands through."""

    def __init__(self, whole: Store, sight: Sight) -> None:
        self.whole = whole
        self._sight = sight
        self._hidden: dict[str, frozenset[str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def hidden(self, tenant: str) -> frozenset[str]:
        """The streams that are not there."""
        if tenant not in self._hidden:
            private = self.whole.private(tenant)
            self._hidden[tenant] = frozenset(name for name, by in private.items() if not within(self._sight, by))
        return self._hidden[tenant]

    def private(self, tenant: str) -> dict[str, tuple[str, ...]]:
        hidden = self.hidden(tenant)
        return {stream: names for stream, names in self.whole.private(tenant).items() if stream not in hidden}

    def facts(self, tenant: str, stream: str, after: int = 0) -> list[AnyFact]:
        return [] if stream in self.hidden(tenant) else self.whole.facts(tenant, stream, after)

    def index(self, tenant: str, stream: str) -> IndexRow | None:
        return None if stream in self.hidden(tenant) else self.whole.index(tenant, stream)

    def find(self, tenant: str, reference: str) -> str | None:
        return self._seen(tenant, self.whole.find(tenant, reference))

    def holder(self, tenant: str, claim: Claim) -> str | None:
        return self._seen(tenant, self.whole.holder(tenant, claim))

    def holders(self, tenant: str, kind: str) -> list[str]:
        hidden = self.hidden(tenant)
        return [stream for stream in self.whole.holders(tenant, kind) if stream not in hidden]

    def listing(
        self,
        tenant: str,
        *,
        statuses: Sequence[str] = (),
        severities: Sequence[str] = (),
        service: str | None = None,
        category: str | None = None,
        text: str = "",
        limit: int = 50,
        cursor: str | None = None,
        kind: Literal["incident", "duty"] = "incident",
        actions: bool = False,
        without: Collection[str] = (),
    ) -> tuple[list[IndexRow], str | None]:
        return self.whole.listing(
            tenant,
            statuses=statuses,
            severities=severities,
            service=service,
            category=category,
            text=text,
            limit=limit,
            cursor=cursor,
            kind=kind,
            actions=actions,
            without=self.hidden(tenant).union(without),
        )

    def fact_body(self, tenant: str, stream: str, version: int) -> bytes | None:
        return None if stream in self.hidden(tenant) else self.whole.fact_body(tenant, stream, version)

    def audit_newest(self, tenant: str, before: int | None = None, limit: int = 100) -> list[Entry]:
        """Entries about private incidents are left out; their numbers are missing, so the gap shows."""
        hidden = self.hidden(tenant)
        found: list[Entry] = []
        while len(found) < limit:
            some = self.whole.audit_newest(tenant, before, AUDIT_PAGE)
            found += [each for each in some if shown(each).resource.partition("/")[0] not in hidden]
            if len(some) < AUDIT_PAGE:
                break
            before = some[-1].seq
        return found[:limit]

    def _seen(self, tenant: str, stream: str | None) -> str | None:
        return None if stream is None or stream in self.hidden(tenant) else stream


def see(store: Store) -> Store:
    """The store as the current request sees it."""
    sight = acting.sight()
    return store if sight is None else cast(Store, Sighted(whole(store), sight))


def whole(store: Store) -> Store:
    """The store with everything in it, for what must count private incidents without telling of them."""
    return store.whole if isinstance(store, Sighted) else store


@contextmanager
def looking(store: Store, directory: Directory, person: str) -> Iterator[Store]:
    """Inside, and in the store that it gives, a person's sight: where a face learns late for whom it works."""
    with acting.seeing(sight_of(person, teams_of(directory, person))):
        yield see(store)


def asked(fn: Callable[[Store], T], store: Store, sight: Sight) -> T:
    """`fn` of the store as `sight` sees it, on this thread."""
    with acting.seeing(sight):
        return fn(see(store))
