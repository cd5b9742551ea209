"""Changing what pages are made of: pages, components, what is said of them, planned maintenance. Writer thread only.

Everything is checked before anything is written. Whoever calls tells the board afterwards (`Board.changed`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from tocsin.core.status import (
    NAME_MAX,
    TEXT_MAX,
    Component,
    ComponentState,
    Group,
    MaintenanceStatus,
    MaintenanceUpdate,
    Page,
    Planned,
    Said,
    check_component,
    check_page,
    check_planned,
    maintenance_status,
    report,
)
from tocsin.core.statusview import Known, page_named
from tocsin.ports import Store
from tocsin.status.board import COMPONENT, PAGE, PLANNED, SAID
from tocsin.status.logo import LOGO, Logo

CHANGES_MAX = 5_000  # of one component that are kept: years of a component that changes every day
UPDATES_MAX = 200  # of one maintenance window
ORDER: tuple[MaintenanceStatus, ...] = ("scheduled", "in_progress", "verifying", "completed")

T = TypeVar("T")


class Unknown(LookupError):
    """There is no such page, component, group or window; the text names it."""


def fresh_id() -> str:
    """An id nobody has: twelve characters, as Atlassian's."""
    return secrets.token_hex(6)


class Desk:
    """`known`: what pages are made of now, as the board has it; `changed` is called once after every change."""

    def __init__(
        self, store: Store, tenant: str, known: Callable[[], Known], changed: Callable[[], None] = lambda: None
    ) -> None:
        self._store, self._tenant, self._known, self._changed = store, tenant, known, changed

    # --- pages --------------------------------------------------------------------------------------------------------

    def page(self, name: str) -> Page:
        """The page of this id, "" the default one. Raises Unknown."""
        found = page_named(self._known(), name)
        if found is None:
            names = ", ".join(each.id for each in self._known().pages) or "there is none"
            raise Unknown(f"page: expected one of {names}, got {name!r}")
        return found

    def put_page(self, page: Page) -> Page:
        """The page is as given; if it is the default one, no other is. Raises ValueError, Unknown."""
        check_page(page)
        known = self._known()
        for name in (*page.components, *(each for group in page.groups for each in group.components)):
            if name not in known.components:
                raise Unknown(f"components: expected ids of components, got {name!r}")
        page = msgspec.structs.replace(page, updated_at=self._store.now())
        stored = {each.id for each in self._stored(PAGE, Page)}
        if not stored - {page.id}:
            page = msgspec.structs.replace(page, default=True)
        elif page.default:
            for other in self._stored(PAGE, Page):
                if other.default and other.id != page.id:
                    self._put(PAGE, other.id, msgspec.structs.replace(other, default=False))
        self._put(PAGE, page.id, page)
        self._changed()
        return page

    def remove_page(self, name: str) -> None:
        """The page is gone; incidents that stood on it stand there no more. Raises Unknown."""
        if not self._store.delete(self._tenant, PAGE, self.page(name).id):
            raise Unknown(f"page: {name!r} was never made, it is the one that is shown before there are any")
        self._store.delete(self._tenant, LOGO, name)
        self._changed()

    def put_logo(self, name: str, logo: Logo | None) -> None:
        page = self.page(name)
        if logo is None:
            self._store.delete(self._tenant, LOGO, page.id)
        else:
            self._put(LOGO, page.id, logo)
        self._changed()

    def new_token(self, name: str, digest: Callable[[str], str]) -> str:
        """The page is private and this is its token, which nobody can read again; the one before stops working."""
        token = secrets.token_urlsafe(24)
        self.put_page(msgspec.structs.replace(self.page(name), private=True, token_sha256=digest(token)))
        return token

    # --- components ---------------------------------------------------------------------------------------------------

    def component(self, name: str) -> Component:
        found = self._known().components.get(name)
        if found is None:
            known = ", ".join(sorted(self._known().components)) or "none, there is no component yet"
            raise Unknown(f"component: expected one of {known}, got {name!r}")
        return found

    def put_component(self, component: Component, page: Page | None = None, group: str | None = None) -> Component:
        """The component is as given; with `page` it is on that page, in that group or in none."""
        check_component(component)
        component = msgspec.structs.replace(component, updated_at=self._store.now())
        if group is not None and page is not None and group not in {each.id for each in page.groups}:
            raise Unknown(f"group_id: nothing has the id {group!r}")
        self._put(COMPONENT, component.id, component)
        self._changed()
        if page is not None:
            self.put_page(_placed(page, component.id, group))
        return component

    def remove_component(self, name: str) -> None:
        """The component is on no page any more, and gone. Raises Unknown."""
        self.component(name)
        for page in self._stored(PAGE, Page):
            if name in (*page.components, *(each for group in page.groups for each in group.components)):
                self._put(PAGE, page.id, _without(page, name))
        self._store.delete(self._tenant, COMPONENT, name)
        self._store.delete(self._tenant, SAID, name)
        self._changed()

    def report(self, name: str, state: ComponentState) -> Said:
        """Somebody, or a check, says how the component is; an incident may say worse. Raises Unknown."""
        component = self.component(name)
        before = self._known().said.get(name, Said())
        said = report(before, state, self._store.now(), component.fresh_seconds)
        said = msgspec.structs.replace(said, changes=said.changes[-CHANGES_MAX:])
        if said.changes == before.changes and component.fresh_seconds is None:
            return said
        self._put(SAID, name, said)
        self._changed()
        return said

    # --- groups -------------------------------------------------------------------------------------------------------

    def put_group(self, page: Page, group: Group) -> Group:
        """The group is on the page, and its components in no other group there. Raises ValueError, Unknown."""
        if not group.name.strip() or len(group.name) > NAME_MAX:
            raise ValueError(f"name: expected 1 to {NAME_MAX} characters, got {len(group.name)}")
        group = msgspec.structs.replace(group, updated_at=self._store.now())
        for name in group.components:
            page = _without(page, name)
        groups = tuple(group if each.id == group.id else each for each in page.groups)
        if group not in groups:
            groups = (*groups, group)
        before = next((each for each in self.page(page.id).groups if each.id == group.id), None)
        loose = tuple(each for each in (before.components if before else ()) if each not in group.components)
        self.put_page(msgspec.structs.replace(page, groups=groups, components=(*page.components, *loose)))
        return group

    def remove_group(self, page: Page, name: str) -> Group:
        """The group is gone; its components stand alone. Raises Unknown."""
        found = next((each for each in page.groups if each.id == name), None)
        if found is None:
            raise Unknown(f"group: nothing has the id {name!r}")
        groups = tuple(each for each in page.groups if each.id != name)
        self.put_page(msgspec.structs.replace(page, groups=groups, components=(*page.components, *found.components)))
        return found

    # --- planned maintenance ------------------------------------------------------------------------------------------

    def planned(self, name: str) -> Planned:
        found = next((each for each in self._known().planned if each.id == name), None)
        if found is None:
            raise Unknown(f"maintenance: nothing has the id {name!r}")
        return found

    def plan(self, planned: Planned, text: str = "") -> Planned:
        """The window is announced, with these words if there are any. Raises ValueError, Unknown."""
        check_planned(planned)
        self._checked(planned.pages, planned.components)
        now = self._store.now()
        if text.strip():
            first = MaintenanceUpdate(id="1", at=now, status=maintenance_status(planned, now), text=_text(text))
            planned = msgspec.structs.replace(planned, updates=(first,))
        self._put(PLANNED, planned.id, planned)
        self._changed()
        return planned

    def change_planned(self, name: str, changes: Mapping[str, Any]) -> Planned:
        planned = msgspec.structs.replace(self.planned(name), updated_at=self._store.now(), **changes)
        check_planned(planned)
        self._checked(planned.pages, planned.components)
        self._put(PLANNED, name, planned)
        self._changed()
        return planned

    def say_planned(self, name: str, status: MaintenanceStatus | None, text: str) -> Planned:
        """One more update of the window. Raises ValueError when it is over, or would go back."""
        now = self._store.now()
        planned = self.planned(name)
        stands = maintenance_status(planned, now)
        status = status or stands
        if ORDER.index(status) < ORDER.index(stands):
            raise ValueError(f"status: expected {stands} or what comes after it, got {status}")
        if len(planned.updates) >= UPDATES_MAX:
            raise ValueError(f"updates: expected at most {UPDATES_MAX}")
        last = planned.updates[-1] if planned.updates else None
        if last and (last.status, last.text) == (status, text):
            return planned
        update = MaintenanceUpdate(id=str(len(planned.updates) + 1), at=now, status=status, text=_text(text))
        return self.change_planned(name, {"updates": (*planned.updates, update)})

    def correct_planned(self, name: str, update: str, text: str) -> Planned:
        """What an update of the window says is corrected. Raises Unknown."""
        planned, now = self.planned(name), self._store.now()
        if update not in {each.id for each in planned.updates}:
            raise Unknown(f"update: nothing has the id {update!r}")
        updates = tuple(
            msgspec.structs.replace(each, text=_text(text), changed_at=now) if each.id == update else each
            for each in planned.updates
        )
        return self.change_planned(name, {"updates": updates})

    def remove_planned(self, name: str) -> Planned:
        planned = self.planned(name)
        self._store.delete(self._tenant, PLANNED, name)
        self._changed()
        return planned

    # --- checks and storing -------------------------------------------------------------------------------------------

    def checked_stated(self, components: Iterable[str]) -> None:
        """Raises Unknown for a component nobody knows; `api=partial_outage` names api."""
        self._checked((), [each.partition("=")[0] for each in components])

    def _checked(self, pages: Iterable[str], components: Iterable[str]) -> None:
        for name in pages:
            self.page(name)
        for name in components:
            self.component(name)

    def _stored(self, kind: str, form: type[T]) -> list[T]:
        return [msgspec.json.decode(body, type=form) for _, body in self._store.items(self._tenant, kind)]

    def _put(self, kind: str, name: str, value: msgspec.Struct) -> None:
        self._store.put(self._tenant, kind, name, msgspec.json.encode(value))


def new_component(name: str, now: datetime, **more: Any) -> Component:
    return Component(id=more.pop("id", None) or fresh_id(), name=name, created_at=now, updated_at=now, **more)


def _text(text: str) -> str:
    if not text.strip() or len(text) > TEXT_MAX:
        raise ValueError(f"text: expected 1 to {TEXT_MAX} characters, got {len(text)}")
    return text


def _without(page: Page, name: str) -> Page:
    groups = tuple(
        msgspec.structs.replace(group, components=tuple(each for each in group.components if each != name))
        for group in page.groups
    )
    components = tuple(each for each in page.components if each != name)
    return msgspec.structs.replace(page, components=components, groups=groups)


def _placed(page: Page, name: str, group: str | None) -> Page:
    held = {each.id: each.components for each in page.groups}
    if name in (held.get(group, ()) if group else page.components):
        return page
    page = _without(page, name)
    if group is None:
        return msgspec.structs.replace(page, components=(*page.components, name))
    groups = tuple(
        msgspec.structs.replace(each, components=(*each.components, name)) if each.id == group else each
        for each in page.groups
    )
    return msgspec.structs.replace(page, groups=groups)
