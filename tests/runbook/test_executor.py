"""One command: everything it says is handed on, and how it ended is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.runbook.executor import CannotRun, Ended, run


class Heard:
    def __init__(self) -> None:
        self.out, self.err = b"", b""

    def __call__(self, said: bytes, error: bool) -> None:
        if error:
            self.err += said
        else:
            self.out += said


def test_both_streams_are_handed_on_and_told_apart() -> None:
    heard = Heard()

    ended = run("echo one; echo two >&2; exit 3", heard)

    assert (ended, heard.out, heard.err) == (Ended(exit_code=3), b"one\n", b"two\n")


def test_words_are_no_shell(tmp_path: Path) -> None:
    heard = Heard()

    ended = run(["echo", "$HOME; ls"], heard, folder=tmp_path)

    assert (ended.exit_code, heard.out) == (0, b"$HOME; ls\n")


def test_much_output_is_handed_on_whole() -> None:
    heard = Heard()

    run("head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2", heard)

    assert (len(heard.out), len(heard.err)) == (3_000_000, 1_000_000)


def test_a_command_that_takes_too_long_is_ended_and_what_it_said_stays() -> None:
    heard = Heard()

    ended = run("echo begun; exec sleep 60", heard, seconds=0.3)

    assert (ended, heard.out) == (Ended(exit_code=143, late=True), b"begun\n")


def test_a_signal_is_told_as_a_shell_tells_it() -> None:
    assert run("kill -9 $$", Heard()).exit_code == 137


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="no-such-program: No such file or directory"):
        run(["no-such-program"], Heard())
