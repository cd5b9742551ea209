"""What is slipped in, taken out or exchanged in the tables beside the log, and whose checkpoints lie there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.audit.given import NAME, Installation
from tests.store.given import TENANT, append, note
from tocsin.anchors import note as notes
from tocsin.audit import audited
from tocsin.core import facts as f, ledger
from tocsin.core.erasing import blanks, erased
from tocsin.core.ledger import Draft
from tocsin.identity import accounts

OTHER = "other"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    accounts.with_role(made.store, TENANT, "ana", "responder")
    made.store.put(TENANT, "silence", "night", b'{"until":"tomorrow"}')
    made.lives(3)
    made.anchors()
    yield made
    made.close()


def behind(house: Installation, *statements: tuple[str, tuple[object, ...]]) -> None:
    """As whoever has the file does it."""
    with closing(sqlite3.connect(house.path)) as db, db:
        for trigger in ("audit_is_not_edited", "audit_is_not_deleted"):
            db.execute(f"DROP TRIGGER {trigger}")
        for text, values in statements:
            db.execute(text, values)


def found(house: Installation) -> list[tuple[str, int | None]]:
    report = audited(house.path, TENANT, anchors=[house.outside], trusted_keys=[house.vkey])
    return [(each.code, each.seq) for each in report.violations]


def seq_of(house: Installation, action: str) -> int:
    return next(each.seq for each in house.store.audit_entries(TENANT) if ledger.shown(each).action == action)


def test_nothing_is_found_where_nothing_was_done(house: Installation) -> None:
    house.store.delete(TENANT, "silence", "night")
    house.store.put(TENANT, "audit-check", TENANT, b"{}")  # nobody administers it

    assert found(house) == []


def test_a_stranger_who_guesses_passwords_raises_no_alarm_about_the_log(house: Installation) -> None:
    """An entry that only speaks of an account is not the last word on what its document holds."""
    said = Draft(actor="tocsin", action="sign-in.failed", resource_type="account", resource="ana", detail="16 tries")
    house.store.record(TENANT, [said])

    assert found(house) == []


def test_a_document_that_was_taken_out_is_missed(house: Installation) -> None:
    behind(house, ("DELETE FROM documents WHERE kind = 'silence'", ()))

    assert found(house) == [("document_missing", seq_of(house, "silence.created"))]


def test_a_document_of_a_kind_that_was_never_written_is_found(house: Installation) -> None:
    """Emergency access that nobody took, where nobody ever did: the log knows no such kind."""
    behind(house, ("INSERT INTO documents VALUES (?, 'emergency', 'mallory', ?)", (TENANT, b"{}")))

    assert found(house) == [("unrecorded_document", None)]


def test_a_credential_cannot_be_made_incomparable(house: Installation) -> None:
    """What is sealed is shown to nobody, so a salt that is gone would go unnoticed, and a role with it."""
    seq = seq_of(house, "account.created")
    behind(
        house,
        ("UPDATE audit SET salt = NULL WHERE tenant = ? AND seq = ?", (TENANT, seq)),
        ("UPDATE documents SET value = replace(value, 'responder', 'owner') WHERE kind = 'account'", ()),
    )

    assert found(house) == [("content_missing", seq)]


@pytest.mark.parametrize(("stream", "version"), [("nowhere", 1), ("nowhere", 7), ("s", 9), ("s", 0)])
def test_a_fact_is_found_wherever_it_is_slipped_in(house: Installation, stream: str, version: int) -> None:
    """Of a stream that no list shows, or with a gap before it: whoever loads the stream reads it."""
    house.store.commit([append("s")])
    body = f.encode(note("never happened"))
    behind(house, ("INSERT INTO facts VALUES (?, ?, ?, ?)", (TENANT, stream, version, body)))

    assert found(house) == [("unrecorded_fact", None)]


def test_a_fact_that_was_taken_out_is_missed(house: Installation) -> None:
    house.store.commit([append("s")])
    seq = house.store.audit_head(TENANT).size - 1
    behind(house, ("DELETE FROM facts WHERE stream = 's'", ()))

    assert found(house) == [("content_missing", seq)]


def test_what_an_erasure_left_cannot_be_rewritten(house: Installation) -> None:
    """The entry's commitment cannot be opened any more; the erasure commits to what it left."""
    house.store.commit([append("s")])
    seq = house.store.audit_head(TENANT).size - 1
    left = erased(note("she said so"))
    content = blanks({"s/1": f.encode(left)})
    said = Draft(
        actor="ana", action=ledger.ERASED, resource_type="entries", resource=str(seq), content=content, kept=True
    )
    house.store.erase(TENANT, [seq], [("s", 1, left)], said)
    assert found(house) == []

    behind(house, ("UPDATE facts SET body = ? WHERE stream = 's'", (f.encode(note("he said so")),)))

    assert found(house) == [("content_mismatch", seq + 1)]


def test_a_log_in_anothers_place_is_found_though_its_own_checkpoints_fit(tmp_path: Path) -> None:
    """Everything of one tenant is moved to another, signed and whole: only whose it is, is wrong."""
    house = Installation(tmp_path)
    house.lives(4)
    house.anchors()
    moves = [
        (f"UPDATE {table} SET tenant = ? WHERE tenant = ?", (OTHER, TENANT))
        for table in ("audit", "audit_heads", "audit_checkpoints", "documents", "facts", "streams")
    ]
    behind(house, *moves)

    report = audited(house.path, OTHER, trusted_keys=[house.vkey])

    assert [(each.code, each.seq) for each in report.violations] == [("foreign_checkpoint", 0)]
    house.close()


def test_emptied_checkpoints_do_not_help_who_rewrites(house: Installation) -> None:
    behind(house, ("DELETE FROM audit_checkpoints", ()), ("DELETE FROM audit_anchors", ()))
    assert found(house) == []  # nothing of the log was touched, and what is outside still says so

    behind_again = ("UPDATE audit SET body = replace(body, 'ana', 'eve') WHERE seq = 1", ())
    with closing(sqlite3.connect(house.path)) as db, db:
        db.execute(*behind_again)

    assert ("leaf_mismatch", 1) in found(house)


def test_a_key_that_an_attacker_adds_signs_for_nobody_who_wrote_the_old_one_down(house: Installation) -> None:
    mallory = Installation(house.path.parent / "mallory", 99)
    signed = notes.sign(notes.head_text(f"{NAME}/{TENANT}", 2, bytes(32)), NAME, mallory.key)
    keys = msgspec.json.encode([house.vkey, mallory.vkey])
    behind(
        house,
        ("UPDATE documents SET value = ? WHERE kind = 'audit-key'", (keys,)),
        ("INSERT INTO audit_checkpoints VALUES (?, 2, 0, ?)", (TENANT, signed)),
    )

    assert {code for code, _ in found(house)} == {"bad_checkpoint_signature", "document_mismatch"}
    by_itself = {each.code for each in audited(house.path, TENANT).violations}  # which believes the keys in there
    assert by_itself == {"root_mismatch", "document_mismatch"}
    mallory.close()
