"""The turnstile: one bite at a time, everybody in turn, deadlines first."""

from __future__ import annotations

import threading

from hypothesis import given, settings, strategies as st

from tocsin.tenants.turnstile import ABSENT_SECONDS, YIELD_SECONDS, Turn, Turnstile
from tocsin.writer import Urgency, Writer


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_only_one_digests_and_the_next_is_woken():
    stile = Turnstile(Hands())
    one, other = Turn(stile), Turn(stile)
    woken: list[str] = []
    other.wake = lambda: woken.append("other")

    assert one.take()
    assert not other.take()
    one.give()

    assert woken == ["other"]
    assert other.take()


def test_who_has_had_a_bite_lets_the_waiting_go_first():
    stile = Turnstile(Hands())
    stormy, calm = Turn(stile), Turn(stile)
    stormy.take()
    calm.take()
    stormy.give()

    assert not stormy.take()
    assert calm.take()
    calm.give()
    assert stormy.take()


def test_who_does_not_come_in_time_is_passed():
    now = Hands()
    stile = Turnstile(now)
    stormy, gone = Turn(stile), Turn(stile)
    stormy.take()
    gone.take()
    stormy.give()

    now.at += ABSENT_SECONDS
    assert stormy.take()


def test_a_bite_waits_for_the_deadlines_of_another_and_not_for_ever():
    now = Hands()
    stile = Turnstile(now)
    stormy, paging = Turn(stile), Turn(stile)
    paging.hurry(True)

    assert not stormy.take()
    now.at += YIELD_SECONDS
    assert stormy.take()
    stormy.give()
    assert not stormy.take()
    paging.hurry(False)
    assert stormy.take()


def test_ones_own_deadlines_do_not_hold_up_ones_intake():
    stile = Turnstile(Hands())
    alone = Turn(stile)
    alone.hurry(True)

    assert alone.take()


def test_who_leaves_gives_back_what_it_holds():
    stile = Turnstile(Hands())
    ended, other = Turn(stile), Turn(stile)
    ended.take()
    ended.hurry(True)
    ended.leave()

    assert other.take()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["take", "give", "hurry", "calm", "leave"]), st.integers(0, 3)), max_size=60))
def test_whatever_is_done_one_at_most_holds_it_and_nobody_waits_for_ever(steps):
    now = Hands()
    stile = Turnstile(now)
    turns = [Turn(stile) for _ in range(4)]
    holding: set[int] = set()
    for act, who in steps:
        match act:
            case "take" if who not in holding:
                if turns[who].take():
                    holding.add(who)
            case "give":
                turns[who].give()
                holding.discard(who)
            case "hurry" | "calm":
                turns[who].hurry(act == "hurry")
            case "leave":
                turns[who].leave()
                holding.discard(who)
        assert len(holding) <= 1
    for who in list(holding):
        turns[who].give()
    waited = [not turn.take() or turn.give() for turn in turns]
    now.at += YIELD_SECONDS + ABSENT_SECONDS
    for turn, still in zip(turns, waited, strict=True):
        if still:
            assert turn.take()
            turn.give()
            now.at += ABSENT_SECONDS


def test_writers_share_their_intake_and_none_is_left_out():
    """Two storming writers and the real clock: bites alternate, and both come to their end."""
    stile = Turnstile()
    done: list[str] = []
    finished = threading.Event()

    def bite(name: str) -> None:
        done.append(name)
        if len(done) == 40:
            finished.set()

    writers = {name: Writer(lambda: 0, Turn(stile)) for name in ("a", "b")}
    for name, writer in writers.items():
        for _ in range(20):
            writer.submit(lambda name=name: bite(name), Urgency.INTAKE)
    for writer in writers.values():
        writer.start()

    assert finished.wait(30)
    first = done[: done.index("b") + 10] if done[0] == "a" else done[: done.index("a") + 10]
    assert {"a", "b"} <= set(first)
    assert all(writer.stop(10) for writer in writers.values())


def test_commands_and_deadlines_go_on_while_the_turn_is_anothers():
    stile = Turnstile()
    other = Turn(stile)
    assert other.take()
    looked = threading.Event()
    writer = Writer(lambda: looked.set() or 0, Turn(stile))
    intake = writer.submit(lambda: "bitten", Urgency.INTAKE)
    writer.start()

    assert writer.submit(lambda: "done").result(10) == "done"
    assert looked.wait(10)
    assert not intake.done()
    other.give()
    assert intake.result(10) == "bitten"
    assert writer.stop(10)
