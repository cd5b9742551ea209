"""`/audit` as a page: how far the record is protected, and who did what, without the heartbeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from tests.http.world import T0, Server
from tocsin.auditport import Protection
from tocsin.core.ledger import HEARTBEAT, Draft
from tocsin.ports import Store
from tocsin.proof.inspection import CHECKED, Checked
from tocsin.web.audit_pages import SHOWN


def beats(server: Server, count: int) -> None:
    drafts = [Draft(actor="tocsin", action=HEARTBEAT, resource_type="log", resource="default")] * count
    server.world.do(lambda store: store.record("default", drafts))


def test_who_did_what_stands_there_and_heartbeats_do_not(server: Server) -> None:
    admin = server.client(server.world.token())
    admin.put("/api/teams/web", json={"id": "web", "members": ["ana"]}).raise_for_status()
    beats(server, 300)

    shown = admin.get("/audit").text

    assert "created team web" in shown
    assert HEARTBEAT not in shown
    assert "no place outside" in shown and "Not checked yet" in shown


def test_older_entries_are_on_further_pages_and_the_last_has_no_link(server: Server) -> None:
    admin = server.client(server.world.token())
    for n in range(SHOWN + 5):
        admin.put(f"/api/teams/t{n}", json={"id": f"t{n}"}).raise_for_status()

    first = admin.get("/audit").text
    older = first.partition("/audit?before=")[2].partition('"')[0]
    second = admin.get(f"/audit?before={older}").text

    assert f"team t{SHOWN + 4}</p>" in first and "team t0</p>" not in first
    assert "team t0</p>" in second and f"team t{SHOWN + 4}</p>" not in second
    assert "Older entries" not in second and 'href="/audit"' in second


def test_how_far_it_is_protected_and_what_the_last_check_found(server: Server) -> None:
    world = server.world

    async def protection(tenant: str) -> Protection:
        at = world.clock.now() - timedelta(minutes=3)
        return Protection(
            entries=120, signed=118, size=117, at=at, places=("vault",), failing={"mail": "refused: <b>550</b>"}
        )

    world.protection = protection  # type: ignore[method-assign]
    found = Checked(at=T0, entries=117, violations=2, first="edited: entry 7 is not what was signed")
    world.do(lambda store: store.put("default", CHECKED, "last", msgspec.json.encode(found)))

    shown = server.client(world.token()).get("/audit").text

    assert "Protected up to entry 117" in shown and "3 min ago" in shown
    assert "found 2 violations" in shown and "edited: entry 7" in shown
    assert "mail fails: refused: &lt;b&gt;550&lt;/b&gt;" in shown


def test_whoever_may_not_read_it_sees_neither_page_nor_link(server: Server) -> None:
    responder = server.client(server.world.token("responder", "ben"))

    assert responder.get("/audit").status_code == 403
    assert 'href="/audit"' not in responder.get("/").text
    assert 'href="/audit"' in server.client(server.world.token()).get("/").text


def test_a_check_is_an_entry_but_its_document_is_none(server: Server) -> None:
    def count(store: Store) -> int:
        return store.audit_head("default").size

    before = server.world.do(count)
    found = Checked(at=T0, entries=1, violations=0)
    server.world.do(lambda store: store.put("default", CHECKED, "last", msgspec.json.encode(found)))

    assert server.world.do(count) == before


def test_what_somebody_spoilt_is_shown_as_unreadable_and_the_rest_as_ever(server: Server) -> None:
    admin = server.client(server.world.token())
    admin.put("/api/teams/web", json={"id": "web"}).raise_for_status()

    def spoil(store: Any) -> None:
        store._db.execute("DROP TRIGGER audit_is_not_edited")
        store._db.execute("UPDATE audit SET body = 'nothing' WHERE seq = 0")

    server.world.do(spoil)

    listed = admin.get("/api/audit", params={"limit": 500}).json()["items"]
    assert listed[-1]["action"] == "unreadable" and "team.created" in [each["action"] for each in listed]
    assert "unreadable" in admin.get("/audit").text
