"""The one writer: what is urgent goes first, deadlines come between any two tasks, nothing ends the thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tocsin.clock import monotonic
from tocsin.writer import POLL_SECONDS, Overloaded, Urgency, Writer

END_SECONDS = 10.0


@contextmanager
def started(writer: Writer) -> Iterator[Writer]:
    writer.start()
    try:
        yield writer
    finally:
        assert writer.stop(END_SECONDS)


def busy() -> None:
    """A task that takes so long that the deadlines are to be looked at again."""
    until = monotonic() + POLL_SECONDS * 1.5
    while monotonic() < until:
        pass


def test_what_is_urgent_is_done_first_and_in_the_order_of_asking():
    done: list[str] = []
    writer = Writer(lambda: 0)
    for number, urgency in enumerate((Urgency.INTAKE, Urgency.RECEIPT, Urgency.COMMAND, Urgency.DEADLINE) * 2):
        writer.submit(lambda said=f"{urgency.name} {number}": done.append(said), urgency)

    with started(writer):
        pass

    assert done == [
        "COMMAND 2",
        "COMMAND 6",
        "DEADLINE 3",
        "DEADLINE 7",
        "RECEIPT 1",
        "RECEIPT 5",
        "INTAKE 0",
        "INTAKE 4",
    ]


def test_deadlines_are_looked_at_between_two_bites_of_a_storm():
    done: list[str] = []

    def deadlines() -> int:
        done.append("deadlines")
        return 0

    writer = Writer(deadlines)
    for _ in range(3):
        writer.submit(lambda: (busy(), done.append("bite")), Urgency.INTAKE)

    with started(writer):
        pass

    between = done[done.index("bite") : len(done) - 1 - done[::-1].index("bite")]
    assert between.count("deadlines") == 2


def test_a_command_does_not_wait_for_everything_that_is_due():
    looks: list[str] = []
    writer: Writer

    def deadlines() -> int:
        looks.append("deadlines")
        if len(looks) == 1:
            writer.submit(lambda: looks.append("command"), Urgency.COMMAND)
        return 3 - len(looks)

    writer = Writer(deadlines)
    writer.looked_at -= 1
    writer.submit(lambda: None, Urgency.INTAKE)

    with started(writer):
        pass

    assert looks[:2] == ["deadlines", "command"]


def test_an_idle_writer_looks_at_the_deadlines_by_itself():
    looked = threading.Event()

    def deadlines() -> int:
        looked.set()
        return 0

    with started(Writer(deadlines)):
        assert looked.wait(END_SECONDS)


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("no")])
def test_an_error_is_given_to_who_asked_and_the_next_task_is_done(error: Exception):
    def broken() -> None:
        raise error

    with started(Writer(lambda: 0)) as writer:
        first, second = writer.submit(broken), writer.submit(lambda: 7)

        assert first.exception(END_SECONDS) is error
        assert second.result(END_SECONDS) == 7


def test_deadlines_that_fail_are_counted_and_end_nothing():
    failed = threading.Event()

    def broken() -> int:
        failed.set()
        raise ValueError("poison")

    with started(Writer(broken)) as writer:
        assert failed.wait(END_SECONDS)
        assert writer.submit(lambda: 7, Urgency.RECEIPT).result(END_SECONDS) == 7

    assert writer.failures >= 1


def test_too_much_intake_is_refused_and_commands_are_not():
    writer = Writer(lambda: 0, queue_max=1000)
    nothing: Callable[[], None] = lambda: None  # noqa: E731
    for _ in range(1000):
        writer.submit(nothing, Urgency.INTAKE)

    with pytest.raises(Overloaded, match="tasks wait for the writer"):
        writer.submit(nothing, Urgency.INTAKE)
    command = writer.submit(lambda: "heard")
    with started(writer):
        assert command.result(END_SECONDS) == "heard"


def test_what_was_submitted_before_the_stop_is_done_and_nothing_after_it():
    writer = Writer(lambda: 0)
    task = writer.submit(lambda: 7, Urgency.INTAKE)
    with started(writer):
        pass

    assert task.result(0) == 7
    with pytest.raises(RuntimeError, match="has stopped"):
        writer.submit(lambda: 7)
