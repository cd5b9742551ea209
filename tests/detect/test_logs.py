"""Logs of this node: what is written becomes alerts, across restarts and whatever is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core.logwatch import LogWatch, rule_said
from tocsin.detect.handing import Finding
from tocsin.detect.logs import KEEP_EVERY, Log, Logs, file_name
from tocsin.redaction import Redactor
from tocsin.writer import Overloaded

T0 = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


class Place:
    """A folder with a log and a clock; `log` is a process that has just started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "shop.log"
        self.clock = ManualClock(T0)
        self.watch = LogWatch(
            name="shop/checkout", files=(str(folder / "*.log"),), rules=(rule_said("critical: 3 in 5m"),), new_errors=0
        )

    def log(self) -> Log:
        return Log(self.watch, self.folder / "kept", self.clock, Redactor())

    def write(self, *lines: str) -> None:
        with self.file.open("a") as opened:
            opened.writelines(f"{line}\n" for line in lines)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def names(findings: Sequence[Finding]) -> list[str]:
    return [each.labels["alertname"] for each in findings]


def test_what_is_written_becomes_a_finding_and_ends(place: Place):
    place.write("ERROR old", "ERROR old", "ERROR old")
    log = place.log()
    assert log.look() == ([], False)

    place.write("ERROR one", "ERROR two", "ERROR three")
    findings, _ = log.look()

    assert names(findings) == ["LogPattern"]
    assert log.lines == 3
    place.clock.advance(timedelta(minutes=6))
    assert log.look() == ([], False)


def test_a_restart_goes_on_where_it_was(place: Place):
    place.write("old")
    log = place.log()
    log.look()
    place.write("ERROR one", "ERROR two")
    log.look()
    log.close()

    place.write("ERROR written while nobody looked")
    (found,) = place.log().look()[0]

    assert found.annotations["first_lines"].splitlines() == [
        "ERROR one",
        "ERROR two",
        "ERROR written while nobody looked",
    ]


def test_after_a_crash_the_same_lines_are_counted_once(place: Place):
    place.write("old")
    log = place.log()
    log.look()
    log.keep()
    place.write("ERROR one", "ERROR two")
    log.look()  # and then the power is gone

    after = place.log()

    assert after.look() == ([], False)
    place.write("ERROR three")
    assert names(after.look()[0]) == ["LogPattern"]


def test_what_is_remembered_is_written_now_and_then_and_for_nobody_else(place: Place):
    place.write("old")
    log = place.log()
    log.look()
    log.keep()
    kept = place.folder / "kept" / file_name("shop/checkout")
    first = kept.read_bytes()
    place.write("ERROR one")
    log.look()

    log.keep()
    assert kept.read_bytes() == first
    place.clock.advance(KEEP_EVERY)
    log.keep()

    assert kept.read_bytes() != first
    number = kept.stat().st_ino
    place.clock.advance(KEEP_EVERY)
    log.keep()
    assert kept.stat().st_ino == number  # nothing happened, nothing is written
    assert kept.stat().st_mode & 0o077 == 0


def test_what_cannot_be_read_any_more_begins_anew(place: Place):
    (place.folder / "kept").mkdir()
    (place.folder / "kept" / file_name("shop/checkout")).write_text("{")
    place.write("ERROR", "ERROR", "ERROR")

    assert place.log().look() == ([], False)


def test_a_log_that_is_not_there_is_an_alert_after_a_while(place: Place):
    log = place.log()
    assert log.look() == ([], False)
    place.clock.advance(timedelta(minutes=6))

    (found,) = log.look()[0]

    assert found.labels == {"alertname": "LogUnreadable", "log": "shop/checkout", "severity": "warning"}
    assert found.annotations["description"].endswith("there is no such file")
    place.write("here")
    assert log.look() == ([], False)


def test_a_file_of_the_journal_is_read_by_its_entries(place: Place):
    place.watch = msgspec.structs.replace(place.watch, format="journal", rules=(rule_said("error: 2 in 5m"),))
    place.write("")
    log = place.log()
    log.look()

    for n in range(2):
        head = f"__CURSOR=s=1;i={n}\nPRIORITY=3\n_SYSTEMD_UNIT=shop.service\n"
        place.write(head + f"MESSAGE=payment {n} failed\n")
    (found,) = log.look()[0]

    assert found.annotations["first_lines"] == "shop.service: payment 0 failed\nshop.service: payment 1 failed"
    assert log.lines == 2


def test_names_of_files_differ_where_names_of_logs_do():
    assert file_name("a/b") != file_name("a-b")
    assert "/" not in file_name("../../etc/passwd")


class Told:
    """Takes what it is told; the first time it is too busy."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        self.before = list(before)
        self.heard: list[tuple[str, list[str]]] = []
        self.alert = asyncio.Event()

    async def load(self, sources: str) -> None:
        assert sources == "log:"

    def sources(self, beginning: str) -> list[str]:
        return self.before

    async def tell(self, source: str, findings: Sequence[Finding], *, every: timedelta) -> None:
        self.heard.append((source, names(findings)))
        if len(self.heard) == 2:
            raise Overloaded("busy")
        if findings and len(self.heard) > 2:
            self.alert.set()


def test_the_alerts_of_a_log_that_is_gone_end_and_a_busy_writer_is_asked_again(place: Place):
    async def life() -> Told:
        told = Told(before=["log:gone", "log:shop/checkout"])
        logs = Logs([place.watch], place.folder / "kept", place.clock, Redactor(), told)
        running = asyncio.create_task(logs.run())
        while len(told.heard) < 2:
            await asyncio.sleep(0)
        place.write("ERROR", "ERROR", "ERROR")
        async with asyncio.timeout(20):
            await told.alert.wait()
        assert logs.figures() == {"logs_files": 1, "logs_findings": 1, "logs_blind": 0}
        assert logs.counters() == {"logs_lines_total": 3, "logs_skipped_bytes_total": 0}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return told

    place.write("old")

    told = asyncio.run(life())

    assert told.heard[0] == ("log:gone", [])
    assert told.heard[-1] == ("log:shop/checkout", ["LogPattern"])
    assert (place.folder / "kept" / file_name("shop/checkout")).is_file()
