"""Who is told when a page changes, and what they are told: one message per change and address, none for the same again.

Subscribing takes two steps (a message with a link, and its button); leaving takes one. A message about an incident
becomes owed in the commit that made its news (`Engine.announcing`); what is no fact of an incident, a component's state
and planned maintenance, has an id that its change decides, so that looking twice, or after a crash, owes it once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from tocsin.core.announcement import Announcement, AnnouncementSettlement, Owed, Recipient
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident
from tocsin.core.public import PublicIncident
from tocsin.core.status import Page, Target
from tocsin.core.statusview import Known, is_on, page_components, page_named
from tocsin.ports import Document, Store
from tocsin.status.board import Board
from tocsin.status.news import News, component_news, incident_news, maintenance_news, review_news

SUBSCRIBER = "status-subscriber"  # kind of document
PUSH = "status-push"  # kind of method: a status page elsewhere, by the id of its target
WEBHOOK = "subscriber-webhook"  # kind of method: never to a private address, whatever [webhook] allows
ASKED_EVERY = timedelta(minutes=10)  # a confirmation is sent again at most this often
PENDING_LASTS = timedelta(days=3)
PENDING_MAX = 2_000  # confirmations under way: a flood of strange addresses ends here
LOOK_BACK = timedelta(days=1)  # changes that are owed again after a start, in case the last process did not get to it
ID_LENGTH, SEAL_LENGTH = 24, 32  # hex characters; 128 bits cannot be guessed
TOKEN_MAX = ID_LENGTH + SEAL_LENGTH
FAILED_FOR_GOOD = ("bad_address", "gone")


class Subscriber(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`components` empty: all. `contact`: who confirms a webhook. `quarantined_at`: the address does not exist."""

    id: str
    page: str
    kind: Literal["email", "webhook"]
    address: str
    contact: str = ""
    components: tuple[str, ...] = ()
    active: bool = False
    created_at: datetime
    asked_at: datetime | None = None
    quarantined_at: datetime | None = None


class TooMany(Exception):
    """More confirmations are under way than there should be."""


def subscriber_id(page: str, kind: str, address: str) -> str:
    """The same for the same address: subscribing twice is one row."""
    local, _, domain = address.rpartition("@")
    said = f"{local}@{domain.casefold()}" if kind == "email" else address
    return hashlib.sha256(f"{page}\0{kind}\0{said}".encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


class Subscribers:
    """Everything here but `token` and `ticket` runs on the writer thread. `nudge`: something is owed."""

    def __init__(
        self, tenant: str, store: Store, board: Board, *, secret: bytes, public_url: str, nudge: Callable[[], None]
    ) -> None:
        self._tenant, self._store, self._board, self._nudge = tenant, store, board, nudge
        self._public_url = public_url
        self._key = hmac.digest(secret, f"tocsin status subscriber\0{tenant}".encode(), hashlib.sha256)
        self._quiet = 0
        board.listen(self._noticed)

    # --- who ----------------------------------------------------------------------------------------------------------

    def all(self, page: str) -> list[Subscriber]:
        """Everybody of the page, pending ones too, oldest first."""
        found = [msgspec.json.decode(body, type=Subscriber) for _, body in self._store.items(self._tenant, SUBSCRIBER)]
        return sorted((each for each in found if each.page == page), key=lambda each: (each.created_at, each.id))

    def get(self, name: str) -> Subscriber | None:
        body = self._store.get(self._tenant, SUBSCRIBER, name)
        return msgspec.json.decode(body, type=Subscriber) if body else None

    def subscribe(
        self,
        page: Page,
        kind: Literal["email", "webhook"],
        address: str,
        components: Sequence[str] = (),
        *,
        contact: str = "",
        confirmed: bool = False,
    ) -> Subscriber:
        """The address is on the list, and counts once it is confirmed. Raises TooMany.

        Subscribing again adds the components that are asked for; a confirmation that waits is sent again.
        """
        now = self._store.now()
        name = subscriber_id(page.id, kind, address)
        before = self.get(name)
        known = {each.id for each in page_components(self._board.known, page)}
        chosen = tuple(each for each in dict.fromkeys(components) if each in known)
        if before and before.active:
            after = msgspec.structs.replace(before, components=_wider(before.components, chosen), quarantined_at=None)
            if after != before:
                self._put(after)
            return after
        asked = before.asked_at if before else None
        fresh = Subscriber(
            id=name,
            page=page.id,
            kind=kind,
            address=address,
            contact=contact,
            components=chosen,
            active=confirmed,
            created_at=before.created_at if before else now,
            asked_at=asked,
        )
        if confirmed or (asked is not None and now - asked < ASKED_EVERY):
            self._put(fresh)
            return fresh
        self._bounded(now)
        return self._ask(page, msgspec.structs.replace(fresh, asked_at=now))

    def _bounded(self, now: datetime) -> None:
        """Confirmations that nobody followed are forgotten. Raises TooMany when very many wait."""
        waiting = 0
        for name, body in self._store.items(self._tenant, SUBSCRIBER):
            each = msgspec.json.decode(body, type=Subscriber)
            if each.active:
                continue
            if each.asked_at is None or now - each.asked_at > PENDING_LASTS:
                self._store.delete(self._tenant, SUBSCRIBER, name)
            else:
                waiting += 1
        if waiting >= PENDING_MAX:
            raise TooMany(f"{waiting} confirmations are under way; try again later")

    def ask_again(self, page: Page, name: str) -> Subscriber | None:
        """The confirmation is sent again, if it is still waited for."""
        found = self.get(name)
        if found is None or found.active:
            return found
        return self._ask(page, msgspec.structs.replace(found, asked_at=self._store.now()))

    def _ask(self, page: Page, subscriber: Subscriber) -> Subscriber:
        """The subscriber is stored and a confirmation owed, in one commit."""
        now = self._store.now()
        to = subscriber.address if subscriber.kind == "email" else subscriber.contact
        what = "by e-mail" if subscriber.kind == "email" else f"by webhook at {subscriber.address}"
        url = f"{self._base(page.id)}/confirm/{self.token(subscriber)}"
        said = Announcement(
            id=f"status-confirm-{subscriber.id}-{int(now.timestamp())}",
            topic=f"status-confirm/{subscriber.id}",
            subject=f"[{page.name}] Confirm your subscription",
            text=f"Somebody, hopefully you, asked for updates of {page.name} {what}.\n\nTo get them, open this and "
            f"press the button:\n{url}\n\nIf it was not you, do nothing: you will not hear from us again.\n",
            at=now,
            event="confirm",
            url=url,
            change=str(now.timestamp()),
        )
        document: Document = (self._tenant, SUBSCRIBER, subscriber.id, msgspec.json.encode(subscriber))
        owed = Owed(tenant=self._tenant, announcement=said, recipients=(Recipient(kind="email", address=to),))
        self._store.commit(announce=[owed], documents=[document])
        self._nudge()
        return subscriber

    def confirm(self, name: str) -> Subscriber | None:
        """The subscription counts; None when there is none any more."""
        found = self.get(name)
        if found is not None and not found.active:
            found = msgspec.structs.replace(found, active=True)
            self._put(found)
        return found

    def choose(self, name: str, components: Sequence[str]) -> Subscriber | None:
        """Only these components from now on; none named: all."""
        found = self.get(name)
        if found is not None:
            found = msgspec.structs.replace(found, components=tuple(dict.fromkeys(components)))
            self._put(found)
        return found

    def remove(self, name: str) -> Subscriber | None:
        """The address hears nothing more of this page, also not what is under way; None when it was not there."""
        found = self.get(name)
        if found is None:
            return None
        self._store.delete(self._tenant, SUBSCRIBER, name)
        others = [msgspec.json.decode(body, type=Subscriber) for _, body in self._store.items(self._tenant, SUBSCRIBER)]
        if not any((each.kind, each.address) == (found.kind, found.address) for each in others):
            self._store.withdraw(self._tenant, _method(found), found.address)
        return found

    def bounced(self, told: Sequence[AnnouncementSettlement]) -> None:
        """Addresses that do not exist are written to no more; whoever manages the page sees them."""
        for each in told:
            gone = each.outcome == "failed" and each.code in FAILED_FOR_GOOD
            if not gone or not each.leased.announcement.startswith("status-"):
                continue
            to = each.leased.recipient
            for _, body in self._store.items(self._tenant, SUBSCRIBER):
                found = msgspec.json.decode(body, type=Subscriber)
                if (_method(found), found.address) == (to.kind, to.address) and found.quarantined_at is None:
                    self._put(msgspec.structs.replace(found, quarantined_at=each.at))

    def _put(self, subscriber: Subscriber) -> None:
        self._store.put(self._tenant, SUBSCRIBER, subscriber.id, msgspec.json.encode(subscriber))

    # --- links --------------------------------------------------------------------------------------------------------

    def token(self, subscriber: Subscriber) -> str:
        """What its confirm and unsubscribe links carry; good as long as the subscription."""
        return f"{subscriber.id}{self._seal(subscriber.id)}"

    def ticket(self, token: str) -> str | None:
        """The id of the subscription a link is about, or None when the link is not one of ours."""
        name, seal = token[:ID_LENGTH], token[ID_LENGTH:]
        if len(token) > TOKEN_MAX or not token.isascii() or not hmac.compare_digest(seal, self._seal(name)):
            return None
        return name

    def _seal(self, name: str) -> str:
        """Ten thousand of these are made in one commit: a digest, and nothing around it."""
        return hmac.digest(self._key, name.encode(), hashlib.sha256).hex()[:SEAL_LENGTH]

    def _base(self, page: str) -> str:
        return f"{self._public_url}/status/{page}"

    # --- what -------------------------------------------------------------------------------------------------------

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What happens meanwhile is told to nobody."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def announce(
        self, tenant: str, before: Incident | None, incident: Incident, facts: Sequence[AnyFact]
    ) -> Sequence[Owed]:
        """What these facts owe the subscribers; an announcer of the engine."""
        if tenant != self._tenant or incident.public is None or self._quiet:
            return ()
        was = before.version if before else 0
        known = self._board.ahead(incident.id, was, facts)
        if not known.public:
            return ()
        news: list[Owed] = []
        for page in self._board.known.pages:
            if known.pages is None or not is_on(known.pages, page, self._board.known):
                continue
            if "incidents" in page.sections:
                news += self._of_incident(page, known, was)
        return news

    def _of_incident(self, page: Page, known: PublicIncident, was: int) -> list[Owed]:
        base = self._base(page.id)
        found = [
            incident_news(self._board.known, page, known, update, base) for update in known.updates if update.id > was
        ]
        if known.review_at is not None and known.review_at == known.review_changed_at == known.changed_at:
            found.append(review_news(self._board.known, page, known, base))
        return [self._owed(page, each) for each in found]

    def _noticed(self, before: Known, after: Known) -> None:
        """Components and maintenance that changed: told after the change is stored, and again after a crash."""
        if not self._quiet and (before.said is not after.said or before.planned is not after.planned):
            self._tell(self._changes(after, self._store.now() - timedelta(minutes=1)))

    def look(self) -> None:
        """What time alone has changed (maintenance began, or ended) is told. Call now and then, and after a start."""
        self._tell(self._changes(self._board.known, self._store.now() - LOOK_BACK))

    def _changes(self, known: Known, since: datetime) -> list[Owed]:
        now = self._store.now()
        found: list[Owed] = []
        for page in known.pages:
            base = self._base(page.id)
            news: list[News] = []
            if "components" in page.sections:
                for each in page_components(known, page):
                    news += component_news(known, page, each, since, base)
            if "maintenance" in page.sections:
                for planned in known.planned:
                    if is_on(planned.pages, page, known):
                        news += maintenance_news(known, page, planned, since, now, base)
            found += [self._owed(page, each) for each in news]
        return found

    def _tell(self, owed: list[Owed]) -> None:
        fresh = [each for each in owed if self._store.announcement(self._tenant, each.announcement.id) is None]
        if fresh:
            self._store.commit(announce=fresh)
            self._nudge()

    def _owed(self, page: Page, news: News) -> Owed:
        recipients = tuple(
            Recipient(
                kind=_method(each),
                address=each.address,
                unsubscribe_url=f"{self._base(page.id)}/unsubscribe/{self.token(each)}",
            )
            for each in self.all(page.id)
            if each.active
            and each.quarantined_at is None
            and (not each.components or not news.components.isdisjoint(each.components))
        )
        pushed = tuple(
            Recipient(kind=PUSH, address=each.id, name=each.id)
            for each in self._board.targets.values()
            if page_named(self._board.known, each.on) == page and pushes(each, news.said.data)
        )
        return Owed(tenant=self._tenant, announcement=news.said, recipients=pushed + recipients)


def pushes(target: Target, data: dict[str, Any]) -> bool:
    """Whether the page elsewhere has a word for this news."""
    incident = data.get("incident")
    if incident is not None:
        return target.kind == "statuspage" or "scheduled_for" not in incident
    component = data.get("component")
    return target.kind != "page" and component is not None and component["id"] in target.components


def _method(subscriber: Subscriber) -> str:
    return "email" if subscriber.kind == "email" else WEBHOOK


def _wider(before: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Both lists; all components where either names none."""
    return tuple(dict.fromkeys((*before, *more))) if before and more else ()
