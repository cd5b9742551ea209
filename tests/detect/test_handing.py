from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tests.detect.nodes import Node
from tests.digesting import T0
from tocsin.detect.handing import HOLD_MIN, Finding
from tocsin.intake.formats import FORMATS

MINUTE = timedelta(minutes=1)


def wrong(name: str = "web", *, since: datetime = T0, summary: str = "it does not answer", **labels: str) -> Finding:
    return Finding(labels={"alertname": name, **labels}, annotations={"summary": summary}, since=since)


def test_a_finding_opens_an_incident_and_its_absence_resolves_it() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong())
        assert node.statuses() == ["investigating"]
        node.after(MINUTE)
        await node.tell()

        assert node.statuses() == ["resolved"]
        assert [entry.source for entry in node.entries] == ["probe:web", "probe:web"]

    asyncio.run(story())


def test_what_stays_wrong_is_said_again_in_time_and_no_oftener() -> None:
    async def story() -> None:
        node = Node()
        for _ in range(60):
            await node.tell(wrong())
            node.after(MINUTE)

        assert node.statuses() == ["investigating"]
        assert len(node.entries) == 60 / (HOLD_MIN / 3 / MINUTE)

    asyncio.run(story())


def test_another_summary_is_said_at_once() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong())
        await node.tell(wrong(summary="it answers 500"))

        (episode,) = await node.firing_of("probe:")
        assert (episode.annotations["summary"], episode.count) == ("it answers 500", 2)

    asyncio.run(story())


def test_what_nobody_says_again_ends_by_itself() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong())
        node.after(HOLD_MIN - MINUTE)
        assert node.statuses() == ["investigating"]
        node.after(MINUTE)

        assert node.statuses() == ["resolved"]

    asyncio.run(story())


def test_an_alert_from_before_a_restart_ends_with_the_first_look_that_finds_nothing() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong())
        node.after(MINUTE)
        await node.restart()
        assert node.handing.sources("probe:") == ["probe:web"]
        assert node.handing.opened("probe:web") == [wrong()]
        await node.tell()

        assert node.statuses() == ["resolved"]
        assert node.handing.sources("probe:") == []

    asyncio.run(story())


def test_an_alert_from_before_a_restart_that_is_found_again_is_the_same() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong())
        now = node.after(10 * MINUTE)
        await node.restart()
        await node.tell(wrong(since=now))
        node.after(10 * MINUTE)

        (episode,) = await node.firing_of("probe:")
        assert (episode.starts_at, episode.count) == (T0, 2)
        assert node.statuses() == ["investigating"]

    asyncio.run(story())


def test_one_finding_goes_over_into_another_within_one_incident() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong(service="web", severity="warning"))
        node.after(MINUTE)
        await node.tell(wrong(service="web", severity="critical"))

        assert node.statuses() == ["investigating"]
        (episode,) = await node.firing_of("probe:")
        assert episode.labels["severity"] == "critical"
        assert [each.action for each in FORMATS["monitor"].parse(node.entries[-1])] == ["fire", "resolve"]
        assert len(node.world.incidents()) == 1

    asyncio.run(story())


def test_what_a_full_disk_refused_is_said_with_the_next_look() -> None:
    async def story() -> None:
        node = Node()
        node.full = True
        with pytest.raises(OSError, match="full"):
            await node.tell(wrong())
        node.full = False
        await node.tell(wrong())
        assert node.statuses() == ["investigating"]
        node.full = True
        with pytest.raises(OSError, match="full"):
            await node.tell()
        node.full = False
        await node.tell()

        assert node.statuses() == ["resolved"]

    asyncio.run(story())


def test_sources_do_not_end_each_others_alerts() -> None:
    async def story() -> None:
        node = Node()
        await node.tell(wrong("one"), source="probe:one")
        await node.tell(wrong("two"), source="probe:two")
        await node.tell(source="probe:one")

        assert [each.source for each in await node.firing_of("probe:")] == ["probe:two"]

    asyncio.run(story())


@given(st.lists(st.tuples(st.sampled_from(["tell", "restart", "full"]), st.sets(st.sampled_from("abc"))), max_size=12))
def test_what_fires_is_what_was_told_last(steps: list[tuple[str, set[str]]]) -> None:
    async def story() -> None:
        node = Node()
        said: set[str] = set()
        for act, names in steps:
            node.after(MINUTE)
            if act == "restart":
                await node.restart()
            elif act == "full":
                node.full = True
                try:
                    await node.tell(*(wrong(name, since=node.clock.now()) for name in sorted(names)))
                    said = names  # nothing new, so that nothing had to be recorded
                except OSError:
                    pass
                node.full = False
            else:
                await node.tell(*(wrong(name, since=node.clock.now()) for name in sorted(names)))
                said = names
            assert {each.labels["alertname"] for each in await node.firing_of("probe:")} == said

    asyncio.run(story())
