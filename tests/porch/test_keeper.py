"""The house looks after its porch: one that ends is started again, and one that does not stay is done without."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.http.test_front import Client, Served, Way, post, run
from tocsin.porch import keeper as module


@pytest.fixture(autouse=True)
def _porch() -> Iterator[None]:
    before, Way.porch, Way.say_seconds = Way.say_seconds, True, 0.1
    yield
    Way.porch, Way.say_seconds = False, before


async def answered(served: Served) -> int:
    """The status that a new client gets, who comes back until somebody answers."""
    while True:
        try:
            return (await (await Client.of(served)).ask(post()))[0]
        except (asyncio.IncompleteReadError, ConnectionError):
            await asyncio.sleep(0)


def test_a_porch_that_was_killed_is_followed_by_another() -> None:
    async def test(served: Served) -> None:
        assert served.keeper is not None
        first = served.keeper.porch
        assert first is not None
        assert await answered(served) == 200

        os.kill(first.process.pid, signal.SIGKILL)
        await asyncio.to_thread(first.process.wait)

        assert await answered(served) == 200
        second = served.keeper.porch
        assert second is not None
        assert second.process.pid != first.process.pid
        assert len(served.downstream.kept) == 2

    run(test)


def test_a_porch_that_does_not_stay_is_done_without() -> None:
    async def test(served: Served) -> None:
        assert served.keeper is not None
        for _ in range(module.ENDS_MAX):
            porch = served.keeper.porch
            assert porch is not None
            os.kill(porch.process.pid, signal.SIGKILL)
            while served.keeper.porch is porch:
                await asyncio.sleep(0)

        assert served.keeper.porch is None
        assert await answered(served) == 200
        assert len(served.front.connections) > 0

    run(test)


def test_a_porch_that_hangs_is_ended_and_followed_by_another() -> None:
    async def test(served: Served) -> None:
        assert served.keeper is not None
        porch = served.keeper.porch
        assert porch is not None
        porch.process.send_signal(signal.SIGSTOP)
        while served.keeper.porch is porch:  # what the house says to it finds no place any more
            await asyncio.to_thread(module._say, porch, module.Settled(1, [0] * 200_000), served.keeper._saying)

        assert await answered(served) == 200

    run(test)


def test_the_porch_ends_with_its_house() -> None:
    async def test(served: Served) -> None:
        assert served.keeper is not None
        porch = served.keeper.porch
        assert porch is not None
        await served.keeper.stop(5)

        assert porch.process.returncode == 0

    run(test)
