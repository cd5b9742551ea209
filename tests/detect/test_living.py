"""Probes of a whole Tocsin: a server that goes, an incident, a restart of ours, the server again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.detect.servers import Reply, http_server
from tocsin.app import App
from tocsin.core.policy import Policy, Severity
from tocsin.core.probe import Probe
from tocsin.guidefile import GuideFile
from tocsin.ports import DEFAULT_TENANT
from tocsin.setting.config import load

WAIT_SECONDS = 20.0
POLICY = Policy(title="How we respond", severities=(Severity(id="P1", rank=0), Severity(id="P2", rank=1)))


@asynccontextmanager
async def living(data: Path, probe: Probe) -> AsyncIterator[App]:
    config = msgspec.structs.replace(load(None, {}, {"server.data": str(data)}), probes=(probe,))
    app = App(config)
    await app.start([GuideFile(name="guide", file="guide.yaml", policy=POLICY)])
    try:
        yield app
    finally:
        await app.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not true():
            await asyncio.sleep(0.01)


def test_an_incident_opens_outlives_a_restart_of_ours_and_resolves(tmp_path: Path) -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/health"] = Reply()
            probe = Probe(name="shop", kind="http", url=server.url(), every_seconds=0.02, recoveries=3)  # type: ignore[arg-type]
            async with living(tmp_path, probe) as app:
                await until(lambda: [each.standing for each in app.detecting.probed()] == ["up"])
                server.replies["/health"] = Reply(status=503, body=b"the database is gone")
                await until(lambda: statuses(app) == ["investigating"])
                (alert,) = await app.detecting.firing_of("probe:")
                assert alert.source == "probe:shop"
                assert "answer: the database is gone" in alert.annotations["description"]
            async with living(tmp_path, probe) as app:
                await until(lambda: [each.standing for each in app.detecting.probed()] == ["down"])
                assert statuses(app) == ["investigating"]
                server.replies["/health"] = Reply()
                await until(lambda: statuses(app) == ["resolved"])
                assert [each.standing for each in app.detecting.probed()] == ["up"]

    asyncio.run(story())


def statuses(app: App) -> list[str]:
    with app.store.reading() as snapshot:
        return [row.status for row in snapshot.listing(DEFAULT_TENANT, limit=10)[0]]
