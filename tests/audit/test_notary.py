"""The minute hand over a real store and a real signing process: heartbeats, checkpoints, places, a rollback."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec

from tests.audit.given import Attacker
from tests.store.given import T0, TENANT, append
from tocsin.anchors.places import AnchorFailed, DirectoryPlace, Kept
from tocsin.audit import audited
from tocsin.clock import ManualClock
from tocsin.core import ledger
from tocsin.ports import Store
from tocsin.proof.notary import KEYS, Notary, installation, own_signer, started, stopped
from tocsin.store.restored import Restored
from tocsin.store.sqlite import SqliteStore
from tocsin.verify_export import read_held

T = TypeVar("T")


class Office:
    """The store on the test's own thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.clock = ManualClock(T0)
        self.store = SqliteStore(folder / "tocsin.db", self.clock)

    async def run(self, fn: Callable[[Store], T]) -> T:
        return fn(self.store)

    read = run

    def actions(self) -> list[str]:
        return [ledger.decode(each.body).action for each in self.store.audit_entries(TENANT)]


def notary(office: Office, home: Path, *places: Any) -> Notary:
    return Notary(
        office, office.clock, signer=own_signer(home), name="tocsin-test", places=places, every=timedelta(minutes=5)
    )


def act(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(make())


def test_a_minute_of_quiet_is_a_heartbeat_and_five_are_a_checkpoint_outside(tmp_path: Path) -> None:
    office, outside = Office(tmp_path), tmp_path / "outside"
    outside.mkdir()
    started(office.store, TENANT, "0.1.0", None)

    async def live() -> None:
        hand = notary(office, tmp_path / "signer", DirectoryPlace("copy", outside))
        for _ in range(6 * 6):
            await hand.look()
            office.clock.advance(timedelta(seconds=10))
        shown = await hand.protection(TENANT)
        assert (shown.size, shown.at, shown.failing) == (8, T0 + timedelta(minutes=5), {})

    act(live)
    stopped(office.store)

    assert office.actions() == [
        "log.started", *["log.heartbeat"], "audit-key.created", *["log.heartbeat"] * 5, "log.stopped",
    ]  # fmt: skip
    assert [each.size for each in office.store.checkpoints(TENANT)] == [3, 8]
    report = audited(office.store, TENANT, anchors=[outside])
    assert (report.violations, report.anchored) == ([], 8)
    office.store.close()


def test_the_end_of_a_critical_incident_is_anchored_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path)
    started(office.store, TENANT, "0.1.0", None)

    async def live() -> None:
        hand = notary(office, tmp_path / "signer")
        await hand.look()
        office.store.commit([append("a")])
        hand.nudge()
        await hand.look()

    act(live)

    assert [each.size for each in office.store.checkpoints(TENANT)] == [3, 4]
    office.store.close()


class Flaky:
    """A place that fails until it is well."""

    name = "flaky"

    def __init__(self) -> None:
        self.well, self.kept = False, list[Kept]()

    async def keep(self, what: Kept) -> str:
        if not self.well:
            raise AnchorFailed("the host is down")
        self.kept.append(what)
        return "here"


def test_a_place_that_failed_is_given_everything_it_missed(tmp_path: Path) -> None:
    office, place = Office(tmp_path), Flaky()
    started(office.store, TENANT, "0.1.0", None)

    async def live() -> None:
        hand = notary(office, tmp_path / "signer", place)
        await hand.notarise()
        assert hand.failing == {"flaky": "the host is down"}
        assert (await hand.protection(TENANT)).size == 0
        place.well = True
        office.store.commit([append("a")])
        await hand.notarise()
        assert hand.failing == {}

    act(live)

    (kept,) = place.kept
    assert (kept.first, kept.size, len(kept.leaves)) == (0, 3, 3 * 32)
    office.store.close()


def test_a_log_that_was_turned_back_is_not_signed_and_says_so_once(tmp_path: Path) -> None:
    office = Office(tmp_path / "first")
    started(office.store, TENANT, "0.1.0", None)
    office.store.commit([append("a", facts=20)])
    act(lambda: _once(office, tmp_path / "signer"))
    turned_back = Office(tmp_path / "second")  # what a restore of an older copy leaves behind
    started(turned_back.store, TENANT, "0.1.0", Restored(made_at=T0, restored_at=T0 + timedelta(days=1)))

    async def live() -> None:
        hand = notary(turned_back, tmp_path / "signer")
        await hand.notarise()
        await hand.notarise()
        assert "22 entries are signed" in hand.failing["signer"]

    act(live)

    assert turned_back.actions() == ["log.started", "log.restored", "audit-key.created", "log.rolled-back"]
    report = audited(turned_back.store, TENANT)
    assert [each.code for each in report.violations] == ["rollback", "rollback"]
    assert turned_back.store.checkpoints(TENANT) == []
    for each in (office, turned_back):
        each.store.close()


async def _once(office: Office, home: Path) -> None:
    await notary(office, home).notarise()


def test_a_gap_is_a_violation_unless_a_start_ends_it(tmp_path: Path) -> None:
    office = Office(tmp_path)
    started(office.store, TENANT, "0.1.0", None)
    office.clock.advance(timedelta(hours=2))
    started(office.store, TENANT, "0.1.0", None)
    assert audited(office.store, TENANT).violations == []

    office.clock.advance(timedelta(minutes=4))
    office.store.commit([append("a")])

    (gap,) = audited(office.store, TENANT).violations
    assert (gap.code, gap.seq) == ("heartbeat_gap", 2)
    office.store.close()


def test_an_installation_has_one_name(tmp_path: Path) -> None:
    office = Office(tmp_path)

    first = installation(office.store, TENANT, lambda: "0123456789abcdef")
    again = installation(office.store, TENANT, lambda: "another")

    assert first == again == "tocsin-0123456789ab"
    office.store.close()


def test_a_place_that_was_emptied_is_an_entry_and_is_given_everything_again(tmp_path: Path) -> None:
    office, outside = Office(tmp_path), tmp_path / "outside"
    outside.mkdir()
    started(office.store, TENANT, "0.1.0", None)

    async def live() -> Notary:
        hand = notary(office, tmp_path / "signer", DirectoryPlace("copy", outside))
        await hand.notarise()
        assert ledger.ANCHOR_EMPTIED not in office.actions()
        shutil.rmtree(outside)
        outside.mkdir()
        office.store.commit([append("a")])
        await hand.notarise()
        office.store.commit([append("b")])
        await hand.notarise()
        return hand

    hand = act(live)

    assert office.actions().count(ledger.ANCHOR_EMPTIED) == 1
    assert hand.failing == {}
    report = audited(office.store, TENANT, anchors=[outside])
    assert (report.violations, report.anchored) == ([], office.store.audit_head(TENANT).size)
    held = sorted((each.leaves_from, len(each.leaves) // 32) for each in read_held(outside) if each.leaves)
    assert held[0][0] == 0 and sum(count for _, count in held) == office.store.audit_head(TENANT).size
    office.store.close()


def test_a_signer_that_was_made_to_forget_signs_a_rewritten_log_and_the_place_outside_tells(tmp_path: Path) -> None:
    office, outside = Office(tmp_path), tmp_path / "outside"
    outside.mkdir()
    started(office.store, TENANT, "0.1.0", None)

    async def live(office: Office) -> None:
        hand = notary(office, tmp_path / "signer", DirectoryPlace("copy", outside))
        for name in ("a", "b"):
            office.store.commit([append(f"{name}{office.store.audit_head(TENANT).size}")])
            await hand.notarise()

    act(lambda: live(office))
    vkey = msgspec.json.decode(office.store.get(TENANT, *KEYS) or b"", type=list[str])[0]
    office.store.close()
    Attacker(SimpleNamespace(path=tmp_path / "tocsin.db"), 2, 1).attack("rewritten", 4)  # type: ignore[arg-type]
    for memory in (tmp_path / "signer").glob("log-*.json"):
        memory.unlink()
    again = Office(tmp_path)
    act(lambda: live(again))

    report = audited(again.store, TENANT, anchors=[outside], trusted_keys=[vkey])

    assert {("leaf_mismatch", 0), ("anchor_root_mismatch", 0)} <= {(each.code, each.seq) for each in report.violations}
    again.store.close()
