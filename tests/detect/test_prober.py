from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings, strategies as st

from tests.detect.nodes import MINUTE, Node
from tests.detect.servers import Reply, http_server
from tests.digesting import T0
from tocsin.clock import SystemClock
from tocsin.core.alert import Episode
from tocsin.core.probe import REACH, Look, Probe, Problem, standing
from tocsin.detect.checking import check
from tocsin.detect.prober import LOOKS_MAX, Prober
from tocsin.detect.reaching import Reach

DOWN = Problem(text="refuses connections")


def shop(name: str = "shop", **fields: Any) -> Probe:
    return Probe(name=name, **{"kind": "tcp", "address": "db:1", "failures": 3, "recoveries": 2, **fields})


class Life:
    """A prober over a node; what each look finds is in the test's hands, and a minute passes between looks."""

    def __init__(self, *probes: Probe) -> None:
        self.node, self.probes = Node(), probes or (shop(),)
        self.found: dict[str, Problem | None] = {}
        self.error: Exception | None = None
        self.prober = Prober(self.probes, self.look, self.node.handing)

    async def look(self, probe: Probe) -> Look:
        if self.error:
            raise self.error
        return Look(at=self.node.clock.now(), seconds=0.1, found=self.found or {REACH: None})

    async def looks(self, pattern: str) -> None:
        """`.` finds nothing, `x` finds it down, `R` restarts."""
        for each in pattern:
            if each == "R":
                await self.restart()
                continue
            self.found = {REACH: DOWN if each == "x" else None}
            for probe in self.probes:
                await self.prober.once(probe.name)
            self.node.after(MINUTE)

    async def restart(self, *probes: Probe) -> None:
        self.probes = probes or self.probes
        await self.node.restart()
        self.prober = Prober(self.probes, self.look, self.node.handing)
        await self.prober.resume()


def test_what_fails_in_a_row_opens_an_incident_and_what_recovers_resolves_it() -> None:
    async def story() -> None:
        life = Life()
        await life.looks("..xx")
        assert life.node.statuses() == []
        await life.looks("x.")
        assert life.node.statuses() == ["investigating"]
        await life.looks(".")

        assert life.node.statuses() == ["resolved"]
        (incident,) = life.node.world.incidents()
        assert (incident.title, incident.service) == ("shop refuses connections", "shop")
        (entry, _) = life.node.entries
        assert entry.source == "probe:shop"

    asyncio.run(story())


def test_the_alert_began_with_the_first_bad_look() -> None:
    async def story() -> None:
        life = Life()
        await life.looks(".xxx")

        (episode,) = await life.node.firing_of("probe:")
        assert episode.starts_at == T0 + MINUTE

    asyncio.run(story())


def test_a_restart_pages_nobody_and_forgets_no_alert() -> None:
    async def story() -> None:
        life = Life()
        await life.looks("xxRxx")
        assert life.node.statuses() == []  # a restart begins the count anew
        await life.looks("xRx")
        assert life.node.statuses() == ["investigating"]
        await life.looks(".R.")
        assert life.node.statuses() == ["investigating"]  # two in a row, of one process
        await life.looks(".")

        assert life.node.statuses() == ["resolved"]

    asyncio.run(story())


def test_a_probe_that_is_down_keeps_its_alert_for_as_long_as_it_is() -> None:
    async def story() -> None:
        life = Life()
        await life.looks("x" * 120)

        assert life.node.statuses() == ["investigating"]

    asyncio.run(story())


def test_the_alert_of_a_probe_that_is_configured_no_more_ends_with_the_restart() -> None:
    async def story() -> None:
        life = Life(shop("shop"), shop("old"))
        await life.looks("xxx")
        await life.restart(shop("shop"))

        assert [each.labels["probe"] for each in await life.node.firing_of("probe:")] == ["shop"]

    asyncio.run(story())


def test_an_alert_of_before_the_restart_that_nothing_speaks_of_any_more_ends() -> None:
    async def story() -> None:
        life = Life(shop(failures=1))
        life.found = {REACH: None, "component:Git": DOWN}
        await life.prober.once("shop")
        await life.restart()
        assert standing(life.prober.watched["shop"].states) == "down"
        life.found = {REACH: None}
        await life.prober.once("shop")

        assert list(await life.node.firing_of("probe:")) == []

    asyncio.run(story())


def test_a_fault_of_ours_is_logged_pages_nobody_and_keeps_nobody_from_looking_again() -> None:
    async def story() -> None:
        life = Life()
        life.error = ZeroDivisionError("a bug")
        for _ in range(5):
            await life.prober.once("shop")
        assert life.prober.watched["shop"].fault == "ZeroDivisionError: a bug"
        life.error = None
        await life.looks("xxx")

        assert life.prober.watched["shop"].fault == ""
        assert life.node.statuses() == ["investigating"]

    asyncio.run(story())


def test_a_start_waits_until_what_fires_can_be_read() -> None:
    async def story() -> None:
        node = Node()
        looked = asyncio.Event()
        refused = [TimeoutError(), OSError("busy")]
        read = node.firing_of

        class Slow(Node):
            async def firing_of(self, sources: str) -> Sequence[Episode]:
                if refused:
                    raise refused.pop()
                return await read(sources)

        async def look(probe: Probe) -> Look:
            looked.set()
            return Look(at=T0, seconds=0.0, found={REACH: None})

        prober = Prober([shop()], look, Slow().handing, chance=lambda: 0.0, retry_seconds=0.0)
        running = asyncio.create_task(prober.run())
        await asyncio.wait_for(looked.wait(), 10)
        running.cancel()

        assert refused == []

    asyncio.run(story())


def test_what_a_full_disk_refused_is_said_with_the_next_look() -> None:
    async def story() -> None:
        life = Life()
        life.node.full = True
        await life.looks("xxx")
        life.node.full = False
        await life.looks("x")

        assert life.node.statuses() == ["investigating"]

    asyncio.run(story())


def test_at_most_so_many_look_at_once() -> None:
    async def story() -> None:
        under_way, most = 0, 0

        async def look(probe: Probe) -> Look:
            nonlocal under_way, most
            under_way, most = under_way + 1, max(most, under_way + 1)
            for _ in range(5):
                await asyncio.sleep(0)
            under_way -= 1
            return Look(at=T0, seconds=0.0, found={REACH: None})

        probes = [shop(f"p{number}") for number in range(3 * LOOKS_MAX)]
        prober = Prober(probes, look, Node().handing)
        await asyncio.gather(*(prober.once(each.name) for each in probes))

        assert most == LOOKS_MAX

    asyncio.run(story())


def test_every_probe_is_looked_at_again_and_again_and_not_all_at_once() -> None:
    async def story() -> None:
        begun: dict[str, list[float]] = {}
        loop = asyncio.get_running_loop()
        enough = asyncio.Event()

        async def look(probe: Probe) -> Look:
            begun.setdefault(probe.name, []).append(loop.time())
            if len(begun) == 2 and min(map(len, begun.values())) >= 3:
                enough.set()
            return Look(at=T0, seconds=0.0, found={REACH: None})

        chances = iter([0.0, 0.9] + [0.5] * 1000)
        quick = [shop(name, every_seconds=0.05) for name in ("a", "b")]
        running = asyncio.create_task(Prober(quick, look, Node().handing, chance=lambda: next(chances)).run())
        await asyncio.wait_for(enough.wait(), 10)
        running.cancel()

        assert begun["b"][0] - begun["a"][0] > 0.02
        assert begun["a"][2] - begun["a"][0] >= 0.09

    asyncio.run(story())


def test_a_server_that_stops_and_starts_opens_and_resolves_an_incident() -> None:
    async def story() -> None:
        node, clock = Node(), SystemClock()
        async with http_server() as server:
            probe = Probe(name="shop", kind="http", url=server.url(), failures=2, recoveries=2)
            prober = Prober([probe], lambda each: check(each, Reach(), clock), node.handing)
            server.replies["/health"] = Reply()
            await prober.once("shop")
            server.replies["/health"] = Reply(status=503, body=b"the database is gone")
            await prober.once("shop")
            await prober.once("shop")
            (episode,) = await node.firing_of("probe:")
            assert episode.annotations["answer"] == "the database is gone"
            assert node.statuses() == ["investigating"]
            server.replies["/health"] = Reply()
            await prober.once("shop")
            await prober.once("shop")

        assert node.statuses() == ["resolved"]

    asyncio.run(story())


@settings(max_examples=60)
@given(st.text(alphabet=".xR", max_size=40))
def test_what_fires_is_what_failed_often_enough(pattern: str) -> None:
    """Whatever happens, nothing fires that did not fail three times in a row of one process, and all of it ends."""

    async def story() -> None:
        life = Life()
        firing, row = False, ""
        for each in pattern:
            await life.looks(each)
            row = "" if each == "R" else row + each
            now = bool(await life.node.firing_of("probe:"))
            if now and not firing:
                assert row.endswith("xxx")
            if firing and not now:
                assert row.endswith("..")
            firing = now
        await life.looks("." * 25)
        assert list(await life.node.firing_of("probe:")) == []
        assert set(life.node.statuses()) <= {"resolved"}

    asyncio.run(story())


def test_a_probe_that_was_down_through_a_long_stop_of_ours_pages_again() -> None:
    async def story() -> None:
        life = Life()
        await life.looks("xxx")
        life.node.after(timedelta(hours=2))
        await life.restart()
        await life.looks("xxx")

        assert [each.labels["probe"] for each in await life.node.firing_of("probe:")] == ["shop"]

    asyncio.run(story())
