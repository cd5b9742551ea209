"""The journal: what was accepted is there after any crash, and a full disk is an answer, not a loss."""

from __future__ import annotations

import errno
import os
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from tocsin.intake.disk import DSYNC, Disk
from tocsin.intake.journal import HEADER_BYTES, SegmentJournal
from tocsin.intake.memoryjournal import MemoryJournal
from tocsin.ports import Journal

SMALL = 64 * 1024


@pytest.fixture(params=["segments", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made = SegmentJournal(tmp_path, segment_bytes=SMALL) if request.param == "segments" else MemoryJournal()
    yield made
    made.close()


def bodies(journal: Journal, after: int = 0) -> list[bytes]:
    return [body for _, _, body in journal.read(after)]


# --- the contract, for both -------------------------------------------------------------------------------------------


def test_entries_come_back_in_order(journal: Journal) -> None:
    positions = journal.append([(b"m1", b"one"), (b"m2", b"two")]) + journal.append([(b"", b"three")])

    assert list(journal.read(0)) == [
        (positions[0], b"m1", b"one"),
        (positions[1], b"m2", b"two"),
        (positions[2], b"", b"three"),
    ]


def test_positions_grow_strictly_from_above_zero(journal: Journal) -> None:
    positions = [journal.append([(b"m", b"x" * size)])[0] for size in (0, 1, 7, 8, 9, 5_000)]

    assert positions[0] > 0
    assert positions == sorted(set(positions))


def test_reading_goes_on_after_a_position(journal: Journal) -> None:
    positions = journal.append([(b"", b"one"), (b"", b"two"), (b"", b"three")])

    assert bodies(journal, positions[0]) == [b"two", b"three"]
    assert bodies(journal, positions[2]) == []


def test_one_entry_is_found_by_its_position(journal: Journal) -> None:
    positions = journal.append([(b"meta", b"body"), (b"m", b"")])

    assert journal.get(positions[0]) == (b"meta", b"body")
    assert journal.get(positions[1]) == (b"m", b"")
    assert journal.get(positions[0] + 8) is None
    assert journal.get(positions[1] + 1_000_000) is None
    assert journal.get(0) is None


def test_nothing_is_stored_for_an_empty_group(journal: Journal) -> None:
    assert journal.append([]) == []
    assert bodies(journal) == []


def test_a_released_entry_can_still_be_looked_up(journal: Journal) -> None:
    (position,) = journal.append([(b"m", b"body")])

    journal.release(position)

    assert journal.get(position) == (b"m", b"body")


class Seen(Disk):
    """Takes at most a hundred bytes at once, as a disk may; what is not for good yet is counted."""

    def __init__(self, flag: int) -> None:
        super().__init__(flag)
        self.volatile = self.puts = self.syncs = 0

    def put(self, fd: int, data: memoryview, offset: int, flag: int) -> int:
        taken = super().put(fd, data[:100], offset, flag)
        self.puts += 1
        self.volatile += taken if not flag & DSYNC else 0
        return taken

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self.syncs += 1
        self.volatile = 0


class Plain(Seen):
    """A file system that knows no durable write, as some network ones and sandboxes do not."""

    def put(self, fd: int, data: memoryview, offset: int, flag: int) -> int:
        if flag:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return super().put(fd, data, offset, flag)


def test_where_the_file_system_knows_no_durable_write_alerts_are_taken_all_the_same(tmp_path: Path) -> None:
    disk = Plain(1)
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL, disk=disk)
    for n in range(1, 5):
        journal.append([(b"m", b"x" * 90) for _ in range(n)])
        assert (disk.volatile, disk.syncs) == (0, n)

    assert len(list(journal.read(0))) == 10
    journal.close()


def test_a_full_disk_is_not_taken_for_one_that_knows_no_durable_write(tmp_path: Path) -> None:
    class Full(Seen):
        def put(self, fd: int, data: memoryview, offset: int, flag: int) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    journal = SegmentJournal(tmp_path, segment_bytes=SMALL, disk=Full(1))

    with pytest.raises(OSError, match="No space"):
        journal.append([(b"m", b"x")])
    journal.close()


@pytest.mark.parametrize("flag", {0, DSYNC})
def test_every_group_is_on_the_disk_before_append_returns(flag: int, tmp_path: Path) -> None:
    """In one call where the system has one for it, by a second where it has not: neither is ever left out."""
    disk = Seen(flag)
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL, disk=disk)
    for n in range(1, 5):
        journal.append([(b"m", b"x" * 90) for _ in range(n)])
        assert disk.volatile == 0
        assert disk.puts >= n
        assert disk.syncs == (0 if flag else n)
    journal.close()

    assert bodies(SegmentJournal(tmp_path, segment_bytes=SMALL)) == [b"x" * 90] * 10


# --- segments ---------------------------------------------------------------------------------------------------------


def test_a_reopened_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    first = SegmentJournal(tmp_path, segment_bytes=SMALL)
    before = first.append([(b"m", b"one"), (b"m", b"two")])
    first.close()

    again = SegmentJournal(tmp_path, segment_bytes=SMALL)
    after = again.append([(b"m", b"three")])

    assert bodies(again) == [b"one", b"two", b"three"]
    assert after[0] > before[-1]
    assert again.last() == (after[0], b"m", b"three")


def test_a_group_runs_over_into_new_segments(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    said = [bytes([n]) * 20_000 for n in range(10)]

    positions = journal.append([(b"m", body) for body in said])

    assert bodies(journal) == said
    assert [journal.get(position) for position in positions] == [(b"m", body) for body in said]
    assert len(list(tmp_path.glob("0*.segment"))) == 4


def test_a_body_larger_than_a_segment_gets_its_own(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    large = os.urandom(5 * SMALL)

    positions = journal.append([(b"m", b"before"), (b"m", large), (b"m", b"after")])
    journal.close()

    again = SegmentJournal(tmp_path, segment_bytes=SMALL)
    assert bodies(again) == [b"before", large, b"after"]
    assert again.get(positions[1]) == (b"m", large)


def test_what_an_earlier_use_of_a_segment_left_is_not_read(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL, retained_bytes=0)
    for n in range(40):
        (position,) = journal.append([(b"m", bytes([n]) * 15_000)])
        journal.release(position)
    kept = len(list(tmp_path.iterdir()))
    journal.append([(b"m", b"the newest")])
    journal.close()

    again = SegmentJournal(tmp_path, segment_bytes=SMALL, retained_bytes=0)

    assert kept <= 4
    assert bodies(again)[-1] == b"the newest"
    assert [body[0] for body in bodies(again)[:-1]] == list(range(40))[-len(bodies(again)[:-1]) :]


def test_segments_that_are_not_digested_are_never_dropped(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL, retained_bytes=0)
    positions = [journal.append([(b"m", bytes([n]) * 15_000)])[0] for n in range(40)]

    journal.release(positions[19])

    assert bodies(journal, positions[19]) == [bytes([n]) * 15_000 for n in range(20, 40)]


def test_a_torn_tail_is_cut_off_and_the_log_goes_on(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    positions = journal.append([(b"m", b"a" * 100), (b"m", b"b" * 100), (b"m", b"c" * 100)])
    journal.close()
    spoil(tmp_path, positions[2] + 60)

    again = SegmentJournal(tmp_path, segment_bytes=SMALL)
    again.append([(b"m", b"d" * 100)])

    assert bodies(again) == [b"a" * 100, b"b" * 100, b"d" * 100]


def test_a_bad_sector_costs_the_entry_it_hit_and_no_other(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    positions = journal.append([(b"m", bytes([97 + n]) * 100) for n in range(5)])
    journal.close()
    spoil(tmp_path, positions[1] + 4)

    again = SegmentJournal(tmp_path, segment_bytes=SMALL)

    assert [body[:1] for body in bodies(again)] == [b"a", b"c", b"d", b"e"]
    assert again.damaged > 0
    assert again.get(positions[1]) is None
    assert again.append([(b"m", b"next")])[0] > positions[4]


def test_a_frame_that_looks_like_one_inside_a_body_is_no_entry(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    positions = journal.append([(b"m", b"one"), (b"m", b"two")])
    frame = next(tmp_path.glob("0*.segment")).read_bytes()[HEADER_BYTES : HEADER_BYTES + 200]
    inner = journal.append([(b"m", frame), (b"m", b"three")])
    journal.close()
    spoil(tmp_path, inner[0] + 4)

    again = SegmentJournal(tmp_path, segment_bytes=SMALL)

    assert [position for position, _, _ in again.read(0)] == [*positions, inner[1]]


@given(st.lists(st.binary(max_size=3_000), min_size=1, max_size=30), st.integers(0, 2**30), st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_a_crash_leaves_behind_the_synced_part_it_is_there(
    tmp_path_factory: pytest.TempPathFactory, said: list[bytes], where: int, garbage: bytes
) -> None:
    """Everything behind the last fsync may hold anything: zeros, old frames, half a group."""
    directory = tmp_path_factory.mktemp("journal")
    journal = SegmentJournal(directory, segment_bytes=SMALL)
    half = len(said) // 2
    journal.append([(b"m", body) for body in said[:half]])
    synced = journal.end
    journal.append([(b"m", body) for body in said[half:]])
    journal.close()
    newest = max(directory.glob("0*.segment"))
    base = int(newest.name.split(".")[0])
    if synced >= base:
        size = newest.stat().st_size
        with newest.open("r+b") as file:
            file.seek(min(synced - base + where % (SMALL // 2), size - 64))
            file.write(garbage)

    again = SegmentJournal(directory, segment_bytes=SMALL)

    found = bodies(again)
    assert found[:half] == said[:half]
    assert all(body in said for body in found)
    again.append([(b"m", b"more")])
    assert bodies(again) == [*found, b"more"]


def test_a_full_disk_refuses_and_a_freed_one_accepts_again(tmp_path: Path) -> None:
    """A limit on the size of files makes the preparation of a segment fail as a full disk would."""
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    journal.append([(b"m", b"first")])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL // 2, limits[1]))
    try:
        with pytest.raises(OSError):
            for _ in range(20):
                journal.append([(b"m", b"x" * 15_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    before = bodies(journal)

    position = journal.append([(b"m", b"after")])[0]

    assert bodies(journal) == [*before, b"after"]
    assert position > SMALL, "nobody knows what the disk holds of a write that failed: the log goes on elsewhere"
    assert not [path for path in tmp_path.glob("spare*") if path.stat().st_size != SMALL]


def test_a_full_disk_takes_back_digested_segments_before_it_refuses(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL, retained_bytes=100 * SMALL)
    positions = [journal.append([(b"m", bytes([n]) * 15_000)])[0] for n in range(20)]
    journal.release(positions[-1])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL // 2, limits[1]))
    try:
        with pytest.raises(OSError):  # overwriting is limited by RLIMIT_FSIZE too, unlike on a full disk
            journal.append([(b"m", b"x" * 50_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert journal.get(positions[0]) is None, "the oldest digested segment was given up"
    assert journal.get(positions[-1]) is not None


def test_a_full_disk_never_takes_back_what_was_not_digested(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    said = [bytes([n]) * 15_000 for n in range(20)]
    for body in said:
        journal.append([(b"m", body)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL // 2, limits[1]))
    try:
        with pytest.raises(OSError):
            journal.append([(b"m", b"x" * 50_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert bodies(journal) == said


def test_prepared_segments_are_used_and_survive_a_restart(tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path, segment_bytes=SMALL)
    journal.prepare()
    spares = {path.stat().st_ino for path in tmp_path.glob("spare-*")}
    journal.close()

    again = SegmentJournal(tmp_path, segment_bytes=SMALL)
    again.append([(b"m", b"x")])

    assert len(spares) == 2
    assert next(tmp_path.glob("0*.segment")).stat().st_ino in spares


def test_a_spare_that_was_not_finished_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "spare-7.segment").write_bytes(b"\0" * 100)

    SegmentJournal(tmp_path, segment_bytes=SMALL).append([(b"m", b"x")])

    assert not (tmp_path / "spare-7.segment").exists()


def test_a_killed_process_loses_nothing_it_was_told_is_durable(tmp_path: Path) -> None:
    for trial in range(5):
        told = killed_writer(tmp_path / str(trial), seed=trial, stop_after=random.Random(trial).randrange(1, 60))

        found = bodies(SegmentJournal(tmp_path / str(trial), segment_bytes=SMALL))

        assert found[: len(told)] == told


def killed_writer(directory: Path, *, seed: int, stop_after: int) -> list[bytes]:
    """Bodies whose append returned in a process that was then killed with SIGKILL."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        journal, n = SegmentJournal(directory, segment_bytes=SMALL), 0
        chance = random.Random(seed)
        while True:
            group = [b"%d:" % (n + k) + b"x" * chance.randrange(3_000) for k in range(chance.randrange(1, 8))]
            journal.append([(b"m", body) for body in group])
            os.write(write_end, b"%d\n" % len(group))
            n += len(group)
    os.close(write_end)
    said = b""
    while said.count(b"\n") < stop_after:
        said += os.read(read_end, 100)
    os.kill(child, 9)
    os.waitpid(child, 0)
    while more := os.read(read_end, 1_000):
        said += more
    os.close(read_end)
    chance, told, n = random.Random(seed), [], 0
    for _ in said.split():
        group = [b"%d:" % (n + k) + b"x" * chance.randrange(3_000) for k in range(chance.randrange(1, 8))]
        n += len(group)
        told.extend(group)
    return told


def spoil(directory: Path, position: int) -> None:
    """Four wrong bytes at a position of the log."""
    finder: Callable[[Path], int] = lambda path: int(path.name.split(".")[0])  # noqa: E731
    path = max((each for each in directory.glob("0*.segment") if finder(each) <= position), key=finder)
    with path.open("r+b") as file:
        file.seek(position - finder(path))
        file.write(b"\xee\xee\xee\xee")


class Interrupted(SegmentJournal):
    """Its first spare cannot be made; `meanwhile` happens while it is being made."""

    def __init__(self, directory: Path, meanwhile: Callable[[SegmentJournal], None]) -> None:
        self._meanwhile = meanwhile
        self.asked = 0
        super().__init__(directory)

    def _new_spare(self, size: int, path: Path) -> Path:
        self.asked += 1
        self._meanwhile(self)
        raise FileNotFoundError(2, "No such file or directory", str(path))


def ended(journal: SegmentJournal) -> None:
    journal.close()


@pytest.mark.parametrize(("meanwhile", "said"), [(ended, 0), (lambda journal: journal._wanted.set(), 1)])
def test_a_segment_that_nobody_waits_for_any_more_is_not_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, meanwhile: Callable[[SegmentJournal], None], said: int
) -> None:
    def once(journal: SegmentJournal) -> None:
        meanwhile(journal)
        if said and journal.asked > 1:  # type: ignore[attr-defined]
            journal.close()  # so that the loop ends

    journal = Interrupted(tmp_path, once)
    journal._wanted.set()

    journal._keep_prepared()

    assert [record.levelname for record in caplog.records] == ["ERROR"] * said
    journal.prepare()
    assert journal.asked == 1 + said
