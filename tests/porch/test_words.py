"""Frames come whole and in order, however the socket cuts them, and a connection comes with its own."""

from __future__ import annotations

import os
import socket
from typing import cast

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.porch.words import FRAME_MAX, Bodies, Ear, FromPorch, Handed, Whose, framed

WORDS = st.one_of(
    st.builds(
        Bodies,
        st.integers(1, 2**40),
        st.lists(st.text(max_size=9), max_size=3),
        st.integers(0, 2**60),
        st.lists(st.binary(max_size=300), max_size=3),
        st.lists(st.binary(max_size=300), max_size=3),
    ),
    st.builds(Whose, st.integers(1, 9), st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3)),
)


@given(st.lists(WORDS, max_size=6), st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_words_are_heard_as_they_were_said(words: list[Bodies | Whose], cuts: list[int]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ear, heard, decoder = Ear(ours), [], msgspec.msgpack.Decoder(FromPorch)
        said = b"".join(framed(word) for word in words)
        turn = 0
        while said:
            theirs.sendall(said[: cuts[turn % len(cuts)]])
            said = said[cuts[turn % len(cuts)] :]
            turn += 1
            heard += [decoder.decode(frame) for frame in ear.heard()]

        assert heard == words


def test_connections_come_beside_their_words_in_order() -> None:
    ours, theirs = socket.socketpair()
    pipes = [os.pipe() for _ in range(3)]
    with ours, theirs:
        ear, heard = Ear(ours), []
        for number, (reading, writing) in enumerate(pipes):
            socket.send_fds(theirs, [framed(Handed(b"%d" % number))], [reading])
            os.close(reading)
            os.write(writing, b"%d" % number)
            os.close(writing)
        while len(heard) < 3:
            heard += [msgspec.msgpack.decode(frame, type=Handed).data for frame in ear.heard()]

        assert heard == [os.read(each, 9) for each in ear.descriptors] == [b"0", b"1", b"2"]
        for each in ear.descriptors:
            os.close(each)


class Crowded:
    """A socket of a process that has no number left for a descriptor: recvmsg(2) says so, and drops it."""

    def recvmsg_into(self, buffers: list[bytearray], ancillary: int) -> tuple[int, list[object], int, None]:
        said = framed(Handed(b"x"))
        buffers[0][: len(said)] = said
        return len(said), [], socket.MSG_CTRUNC, None


def test_a_descriptor_that_is_lost_is_an_end() -> None:
    with pytest.raises(EOFError):
        list(Ear(cast(socket.socket, Crowded())).heard())


def test_an_end_and_a_length_beyond_reason_are_an_end() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall((FRAME_MAX + 1).to_bytes(4, "little"))
        with pytest.raises(EOFError):
            list(Ear(ours).heard())
        with pytest.raises(EOFError):
            list(Ear(ours).heard())
