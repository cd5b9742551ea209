"""Files are followed as they grow, are renamed, copied and truncated: no line is lost and none is read twice."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings, strategies as st

from tocsin.detect import follow
from tocsin.detect.follow import Follower, Place, Split, split_lines, tail


def followed(folder: Path, *, places: list[Place] | None = None, pattern: str = "*.log") -> Follower:
    return Follower([str(folder / pattern)], [] if places is None else places)


def texts(follower: Follower) -> list[str]:
    """Everything that there is to read now."""
    found: list[str] = []
    more = True
    while more:
        pieces, more = follower.read()
        found += [line.text for piece in pieces for line in piece.lines]
    return found


def append(file: Path, *lines: str, end: str = "\n") -> None:
    with file.open("a") as opened:
        opened.write("\n".join(lines) + end)


def test_what_a_file_holds_before_the_first_look_is_history(tmp_path: Path):
    append(tmp_path / "a.log", "old")
    follower = Follower([str(tmp_path / "*.log")], None)

    assert texts(follower) == []
    append(tmp_path / "a.log", "new")
    append(tmp_path / "b.log", "another file")

    assert texts(follower) == ["new", "another file"]


def test_a_line_is_read_when_it_is_whole(tmp_path: Path):
    follower = followed(tmp_path)
    append(tmp_path / "a.log", "one", "tw", end="")

    assert texts(follower) == ["one"]
    append(tmp_path / "a.log", "o")
    assert texts(follower) == ["two"]


def test_a_file_that_was_renamed_is_read_to_its_end(tmp_path: Path):
    follower = followed(tmp_path)
    file = tmp_path / "a.log"
    append(file, "one")
    assert texts(follower) == ["one"]

    append(file, "two", "unfinished", end="")
    file.rename(tmp_path / "a.log.1")
    append(file, "three")

    assert texts(follower) == ["two", "unfinished", "three"]
    assert texts(follower) == []


def test_so_is_one_that_was_renamed_while_nobody_looked(tmp_path: Path):
    file = tmp_path / "a.log"
    append(file, "one")
    follower = followed(tmp_path)
    assert texts(follower) == ["one"]
    places = follower.places
    follower.close()

    append(file, "two")
    file.rename(tmp_path / "a.log.1")
    append(file, "three")

    assert texts(followed(tmp_path, places=places)) == ["two", "three"]


def test_a_new_name_that_is_followed_too_is_the_same_file(tmp_path: Path):
    follower = followed(tmp_path, pattern="*")
    append(tmp_path / "b", "one")
    assert texts(follower) == ["one"]

    append(tmp_path / "b", "two")
    (tmp_path / "b").rename(tmp_path / "c")
    append(tmp_path / "b", "three")
    (tmp_path / "link").symlink_to(tmp_path / "c")

    assert sorted(texts(follower)) == ["three", "two"]
    (tmp_path / "c").rename(tmp_path / "a")
    assert texts(follower) == []


def test_a_file_that_was_copied_and_truncated_is_read_from_its_start(tmp_path: Path):
    follower = followed(tmp_path)
    file = tmp_path / "a.log"
    append(file, "one")
    assert texts(follower) == ["one"]

    shutil.copy(file, tmp_path / "a.log.1")
    file.write_text("two\nmore than there was before\n")

    assert texts(follower) == ["two", "more than there was before"]


def test_a_file_that_goes_and_comes_back_is_read_from_its_start(tmp_path: Path):
    follower = followed(tmp_path)
    append(tmp_path / "a.log", "one")
    texts(follower)
    append(tmp_path / "a.log", "two")
    (tmp_path / "a.log").unlink()

    assert texts(follower) == ["two"]
    assert follower.files == 0
    append(tmp_path / "a.log", "three")
    assert texts(follower) == ["three"]


def test_compressed_files_are_left_alone(tmp_path: Path):
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"one\n"))

    assert texts(followed(tmp_path, pattern="*")) == []


def test_a_file_that_cannot_be_read_is_a_problem_and_the_others_are_read(tmp_path: Path):
    append(tmp_path / "a.log", "one")
    (tmp_path / "b.log").symlink_to("b.log")
    follower = followed(tmp_path)

    assert texts(follower) == ["one"]
    assert list(follower.problems) in ([], [str(tmp_path / "b.log")])  # a loop of links is no file


def test_a_line_without_end_is_read_in_pieces(tmp_path: Path):
    (tmp_path / "a.log").write_bytes(b"x" * (follow.LINE_BYTES_MAX + 5))

    read = texts(followed(tmp_path))

    assert len(read) == 1


def test_of_a_long_backlog_the_newest_is_read(tmp_path: Path):
    file = tmp_path / "a.log"
    with file.open("wb") as opened:
        opened.truncate(follow.BACKLOG_BYTES + 5_000_000)
        opened.seek(0, 2)
        opened.write(b"\nlast\n")
    follower = followed(tmp_path)

    pieces, _ = follower.read()

    assert follower.skipped_bytes == 5_000_006
    assert follower.places[0].offset >= 5_000_006
    assert pieces


def test_the_tail_of_a_file_begins_with_a_whole_line(tmp_path: Path):
    append(tmp_path / "a.log", "first", "second", "third")

    assert [line.text for line in tail(str(tmp_path / "a.log"), 10)] == ["third"]
    assert [line.text for line in tail(str(tmp_path / "a.log"), 100)] == ["first", "second", "third"]


LIVES = st.lists(st.sampled_from(["write", "half", "look", "rotate", "restart", "truncate"]), max_size=40)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES)
def test_whatever_happens_every_line_is_read_once(tmp_path_factory, life: list[str]):
    folder = tmp_path_factory.mktemp("life")
    file = folder / "app.log"
    follower, written, read, half = followed(folder), [], [], ""
    for n, step in enumerate(life):
        match step:
            case "write":
                written.append(f"{half}line {n}")
                append(file, f"line {n}")
                half = ""
            case "half":
                append(file, f"half {n} ", end="")
                half += f"half {n} "
            case "look":
                read += texts(follower)
            case "rotate" if file.exists():
                if all(each.inode != file.stat().st_ino for each in follower.places):
                    read += texts(follower)  # a file that came and went between two looks is not seen
                if half:
                    written.append(half)
                    half = ""
                for number in range(9, 0, -1):
                    if (folder / f"app.log.{number}").exists():
                        (folder / f"app.log.{number}").rename(folder / f"app.log.{number + 1}")
                file.rename(folder / "app.log.1")
                read += texts(follower)  # a second rotation between two looks is not promised to be seen
            case "truncate" if file.exists() and not half:
                read += texts(follower)  # what is written between the copy and the truncation is lost for everybody
                file.write_text("")
                read += texts(follower)
            case "restart":
                places = msgspec.json.decode(msgspec.json.encode(follower.places), type=list[Place])
                follower.close()
                follower = followed(folder, places=places)
    read += texts(follower)
    follower.close()

    assert read == written


def test_lines_end_with_a_line_feed_whatever_stands_before_it():
    split: Split = split_lines

    lines, taken = split(b"one\r\ntw\xff\nrest")

    assert ([line.text for line in lines], taken) == (["one", "tw�"], 9)
