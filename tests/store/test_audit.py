"""The audit trail of every store: what enters the log, in the same commit, and what an erasure leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.store.given import T0, TENANT, append, minutes, note
from tocsin.auditport import Anchored, Checkpoint
from tocsin.clock import ManualClock
from tocsin.core import ledger
from tocsin.core.ledger import Draft
from tocsin.ports import Conflict, Store
from tocsin.store.sqlite import SqliteStore


def said(store: Store, tenant: str = TENANT) -> list[tuple[int, str, str, str]]:
    bodies = [ledger.decode(each.body) for each in store.audit_entries(tenant)]
    return [(each.seq, each.actor, each.action, each.resource) for each in bodies]


def test_what_verification_reads_are_the_same_entries(store: Store) -> None:
    store.commit([append("a", facts=2), append("b")])
    store.record(TENANT, [Draft(actor="ana", action="log.read", resource_type="log", resource="all", content=b"x")])

    entries = list(store.audit_entries(TENANT))

    assert len(entries) == 4
    assert list(store.audit_plain(TENANT)) == [
        (each.seq, each.recorded_us, each.body, each.hash, each.salt, each.content) for each in entries
    ]
    assert list(store.audit_links(TENANT)) == [(each.seq, each.body, each.hash) for each in entries]


def test_every_fact_is_an_entry_that_commits_to_its_exact_bytes(store: Store) -> None:
    store.commit([append("a", facts=2), append("b")])

    assert said(store) == [
        (0, "tocsin", "incident.NoteAdded", "a/1"),
        (1, "tocsin", "incident.NoteAdded", "a/2"),
        (2, "tocsin", "incident.NoteAdded", "b/1"),
    ]
    for entry in store.audit_entries(TENANT):
        stream, _, version = ledger.decode(entry.body).resource.partition("/")
        fact = store.fact_body(TENANT, stream, int(version))
        assert fact is not None and entry.salt is not None and entry.content is None
        assert ledger.opens(ledger.decode(entry.body).commitment, entry.salt, fact)


def test_what_is_refused_leaves_no_entry(store: Store) -> None:
    store.commit([append("a")])

    with pytest.raises(Conflict):
        store.commit([append("b"), append("a", expected=7)])
    store.commit([append("b")])

    assert [resource for *_, resource in said(store)] == ["a/1", "b/1"]
    assert store.audit_head(TENANT).size == 2


def test_a_document_names_who_wrote_it(store: Store) -> None:
    with store.acting("ana"):
        store.put(TENANT, "team", "web", b"1")
        store.put(TENANT, "team", "web", b"2")
        store.delete(TENANT, "team", "web")
    store.put(TENANT, "team", "db", b"3")
    store.delete(TENANT, "team", "nothing")

    assert said(store) == [
        (0, "ana", "team.created", "web"),
        (1, "ana", "team.changed", "web"),
        (2, "ana", "team.deleted", "web"),
        (3, "tocsin", "team.created", "db"),
    ]
    assert [each.content for each in store.audit_entries(TENANT)] == [b"1", b"2", None, b"3"]


def test_a_credential_is_committed_to_and_not_kept_and_its_use_is_no_entry(store: Store) -> None:
    store.put(TENANT, "token", "t1", b"hash of a secret")
    store.put(TENANT, "token", "t1", b"hash of a secret, used")
    store.put(TENANT, "beats", "backup", b"traffic")
    store.delete(TENANT, "token", "t1")

    assert [action for _, _, action, _ in said(store)] == ["token.created", "token.deleted"]
    assert all(each.content is None for each in store.audit_entries(TENANT))


def test_each_tenant_has_a_log_of_its_own(store: Store) -> None:
    store.commit([append("a"), append("b", tenant="other")])
    store.put("other", "team", "web", b"1")

    assert store.audit_tenants() == ["default", "other"]
    assert [seq for seq, *_ in said(store, "other")] == [0, 1]
    assert store.audit_head(TENANT).size == 1
    assert store.audit_head("nobody").size == 0


def test_the_head_is_what_the_entries_add_up_to(store: Store) -> None:
    for n in range(9):
        store.commit([append("a", expected=2 * n, facts=2)])

    leaves = [ledger.leaf_hash(each.body) for each in store.audit_entries(TENANT)]
    chain = ledger.GENESIS
    for each in store.audit_entries(TENANT):
        chain = ledger.sha256(chain + each.body).digest()
    head = store.audit_head(TENANT)
    assert (head.size, head.hash, ledger.root(head.frontier)) == (18, chain, ledger.root_of(leaves))


def test_a_clock_that_goes_back_does_not_take_the_log_with_it(store: Store, clock: ManualClock) -> None:
    store.commit([append("a")])
    clock.set(T0 - minutes(5))
    store.commit([append("b")])

    times = [each.recorded_us for each in store.audit_entries(TENANT)]
    assert times[0] == times[1]
    assert [ledger.decode(each.body).at for each in store.audit_entries(TENANT)] == ["2026-11-23T03:00:00.000000Z"] * 2


def test_the_newest_come_first_and_pages_go_on(store: Store) -> None:
    store.commit([append("a", facts=5)])

    assert [each.seq for each in store.audit_newest(TENANT, limit=2)] == [4, 3]
    assert [each.seq for each in store.audit_newest(TENANT, before=3, limit=9)] == [2, 1, 0]
    assert [each.seq for each in store.audit_entries(TENANT, after=2, limit=2)] == [2, 3]


def test_an_erasure_takes_the_content_and_leaves_the_entry(store: Store) -> None:
    store.commit([append("a", facts=2)])
    store.put(TENANT, "person", "ana", b"her number")
    before = [each.body for each in store.audit_entries(TENANT)]
    by = Draft(actor="dpo", action=ledger.ERASED, resource_type="person", resource="ana", detail="asked to")

    store.erase(TENANT, [1, 2], [("a", 2, note("[erased]"))], by)

    entries = list(store.audit_entries(TENANT))
    assert [each.body for each in entries[:3]] == before
    assert [(each.salt is None, each.content) for each in entries[1:3]] == [(True, None), (True, None)]
    assert store.facts(TENANT, "a")[1] == note("[erased]")
    assert said(store)[3] == (3, "dpo", "log.erased", "ana")


def test_checkpoints_and_anchors_are_kept(store: Store) -> None:
    first = Checkpoint(size=3, at=T0, note="a note")
    store.keep_checkpoint(TENANT, Checkpoint(size=10, at=T0, note="another"))
    store.keep_checkpoint(TENANT, first)
    store.keep_anchored(TENANT, Anchored(anchor="copy", size=3, at=T0))
    store.keep_anchored(TENANT, Anchored(anchor="copy", size=10, at=T0, detail="/mnt/copy"))

    assert [each.size for each in store.checkpoints(TENANT)] == [3, 10]
    assert store.checkpoints(TENANT)[0] == first
    assert store.anchored(TENANT) == [Anchored(anchor="copy", size=10, at=T0, detail="/mnt/copy")]
    assert store.checkpoints("other") == []


def test_the_database_refuses_to_edit_or_delete_an_entry(sqlite: SqliteStore) -> None:
    sqlite.commit([append("a")])

    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as db:
        for attack in ("UPDATE audit SET body = x'00'", "DELETE FROM audit", "UPDATE audit SET seq = 9"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(attack)


def test_the_view_answers_the_query_of_the_last_hour(sqlite: SqliteStore, clock: ManualClock) -> None:
    with sqlite.acting("ana"):
        sqlite.put(TENANT, "team", "old", b"1")
        clock.advance(minutes(61))
        sqlite.put(TENANT, "team", "new", b"2")
        clock.advance(minutes(1.5))
        sqlite.commit([append("a")])

    with closing(sqlite3.connect(sqlite.path)) as db:
        rows = db.execute(
            "SELECT actor_id, action, resource_type, created_at FROM audit_log_entries "
            "WHERE created_at > datetime('2026-11-23 04:02:30', '-1 hour') ORDER BY created_at DESC"
        ).fetchall()

    assert rows == [
        ("tocsin", "incident.NoteAdded", "incident", "2026-11-23 04:02:30.000000"),
        ("ana", "team.created", "team", "2026-11-23 04:01:00.000000"),
    ]
