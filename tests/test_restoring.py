"""After a restore nobody is signed in by what the backup held, its tokens wait, and the record says so."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.store.given import T0, TENANT
from tocsin.app import App
from tocsin.clock import ManualClock
from tocsin.core import ledger
from tocsin.http import auth
from tocsin.http.auth import Visit
from tocsin.setting.config import load
from tocsin.store import backup as copies, restored as left
from tocsin.store.sqlite import SqliteStore
from tocsin.wiring.restoring import begun

NOW = T0 + timedelta(days=1)


class Backup:
    """A data directory of last week with a session, a one-time link and a token, in a backup."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir()
        store = SqliteStore(data / "tocsin.db", ManualClock(T0))
        self.session = auth.begin(store, TENANT, "ana", "responder", "password", Visit()).text
        self.link = auth.sign_in_link(store, "", "ben", "owner", TENANT).rpartition("/")[2]
        token = auth.issue("ci", "viewer", T0, service=True)
        auth.save(store, TENANT, "token", token.record)
        self.token = token.text
        begun(store, TENANT, "1", data)
        assert self.alive(store) == (True, True, True)  # a start alone ends nothing
        self.file = folder / "backup.tgz"
        copies.backup(data, self.file, T0)
        store.close()

    def alive(self, store: SqliteStore) -> tuple[bool, bool, bool]:
        """Whether session, link and token count."""
        held = (("session", self.session), ("sign-in", self.link), ("token", self.token))
        found = [auth.check(store, TENANT, kind, text, T0) is not None for kind, text in held]
        return found[0], found[1], found[2]


def restored(folder: Path, file: Path, *, keep_tokens: bool = False) -> Path:
    again = folder / "again"
    copies.restore(file, again, NOW, keep_tokens=keep_tokens)
    return again


def actions(store: SqliteStore) -> list[str]:
    return [ledger.shown(each).action for each in store.audit_entries(TENANT)]


def test_sessions_and_links_of_a_backup_do_not_come_alive(tmp_path: Path) -> None:
    held = Backup(tmp_path)
    again = restored(tmp_path, held.file)
    store = SqliteStore(again / "tocsin.db", ManualClock(NOW))

    begun(store, TENANT, "1", again)

    assert held.alive(store) == (False, False, False)
    assert actions(store)[-5:] == [
        "log.restored", "session.deleted", "sign-in.deleted", "suspended-token.created", "session.all-ended"
    ]  # fmt: skip
    (note,) = store.audit_newest(TENANT, limit=1)
    assert "1 sessions and 1 sign-in links of the backup; 1 tokens wait" in ledger.shown(note).detail
    store.close()


def test_a_token_that_was_revoked_since_counts_only_once_somebody_says_so(tmp_path: Path) -> None:
    held = Backup(tmp_path)
    again = restored(tmp_path, held.file)
    store = SqliteStore(again / "tocsin.db", ManualClock(NOW))
    begun(store, TENANT, "1", again)
    begun(store, TENANT, "1", again)  # a second start changes nothing
    (record,) = auth.records(store, TENANT, "token")
    assert auth.is_suspended(store, TENANT, record.id)

    auth.touch(store, TENANT, "token", record, NOW)  # being used confirms nothing
    assert not held.alive(store)[2]
    auth.confirm(store, TENANT, record.id)
    begun(store, TENANT, "1", again)

    assert held.alive(store)[2]
    store.close()


def test_whoever_restores_may_vouch_for_the_tokens(tmp_path: Path) -> None:
    held = Backup(tmp_path)
    again = restored(tmp_path, held.file, keep_tokens=True)
    store = SqliteStore(again / "tocsin.db", ManualClock(NOW))

    begun(store, TENANT, "1", again)

    assert held.alive(store) == (False, False, True)
    (note,) = store.audit_newest(TENANT, limit=1)
    assert "--keep-tokens" in ledger.shown(note).detail
    store.close()


def test_a_start_that_is_killed_half_way_does_it_again(tmp_path: Path) -> None:
    held = Backup(tmp_path)
    again = restored(tmp_path, held.file)
    note = json.loads((again / left.RESTORED).read_text())
    store = SqliteStore(again / "tocsin.db", ManualClock(NOW))

    assert left.restored(again) is not None  # the process reads it, and is killed before it has done anything

    assert json.loads((again / left.RESTORED).read_text()) == note
    begun(store, TENANT, "1", again)
    assert held.alive(store)[:2] == (False, False)
    begun(store, TENANT, "1", again)
    assert actions(store).count("log.restored") == 1
    store.close()


def test_the_product_does_it_at_its_first_start(tmp_path: Path) -> None:
    held = Backup(tmp_path)
    again = restored(tmp_path, held.file)
    app = App(load(None, {}, {"server.data": str(again)}), ManualClock(NOW))

    app._furnish(app.store, [])

    assert held.alive(app.store) == (False, False, False)
    app.journal.close()
    app.store.close()
