"""A fault of ours ends no watch for good."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tocsin.detect.faults import kept_running, until_known
from tocsin.writer import Overloaded


def test_what_a_fault_ended_begins_again_and_the_log_says_why(caplog: pytest.LogCaptureFixture):
    begun: list[int] = []

    async def life() -> None:
        on = asyncio.Event()

        async def run() -> None:
            begun.append(len(begun))
            if len(begun) < 3:
                raise ZeroDivisionError("a fault of ours")
            on.set()
            await asyncio.Event().wait()

        kept = asyncio.create_task(kept_running("log:shop", run, again_seconds=0.0))
        async with asyncio.timeout(5):
            await on.wait()
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        asyncio.run(life())

    assert begun == [0, 1, 2]
    assert [each.getMessage() for each in caplog.records] == ["log:shop: stopped by a fault, begins again in 0 s"] * 2
    assert all(each.exc_info and isinstance(each.exc_info[1], ZeroDivisionError) for each in caplog.records)


def test_a_start_that_is_slow_is_waited_for(caplog: pytest.LogCaptureFixture):
    errors: list[Exception] = [TimeoutError(), Overloaded("busy")]

    async def load() -> None:
        if errors:
            raise errors.pop(0)

    asyncio.run(until_known("log:", load, retry_seconds=0.0))

    assert [each.getMessage().rpartition(": ")[2] for each in caplog.records] == ["TimeoutError", "busy"]
