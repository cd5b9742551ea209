"""What `tocsin doctor` says of trackers, and of sources that are told what people take: asked, and nothing posted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.senders.fake_sources import FakeOpsgenie, FakePagerDuty, FakeSource
from tests.senders.fake_trackers import TOKEN, FakeTracker
from tests.senders.servers import Web, listening, response
from tocsin.setting.config import load
from tocsin.watch.channelcheck import Channel, looked_at

KEY = "k" * 32
PROJECTS = {"github": "acme/ops", "gitlab": "acme/ops", "jira": "OPS"}


def looked(folder: Path, told: str, server: FakeSource | FakeTracker | Web) -> list[Channel]:
    """What is found with this tocsin.toml, where URL is the server's address."""

    async def story() -> list[Channel]:
        async with listening(server) as port:
            if not isinstance(server, Web):
                server.port = port
            file = folder / "tocsin.toml"
            file.write_text(told.replace("URL", f"http://127.0.0.1:{port}"))
            return await looked_at(load(file, {}, {}))

    return asyncio.run(story())


def source(service: str, **more: str) -> str:
    rest = "".join(f'acknowledge_{key} = "{value}"\n' for key, value in more.items())
    named = '[[sources]]\nname = "s"\ntoken = "a token that is long enough"\n'
    return f'{named}acknowledge = "{service}"\nacknowledge_url = "URL"\n{rest}'


@pytest.mark.parametrize(("token", "state"), [(KEY, "ok"), ("wrong", "error")])
def test_a_key_of_opsgenie_is_tried(tmp_path: Path, token: str, state: str):
    fake = FakeOpsgenie(KEY)

    (found,) = looked(tmp_path, source("opsgenie", token=token), fake)

    assert (found.channel, found.state) == ("source s", state)
    assert fake.calls == []


@pytest.mark.parametrize(("token", "state"), [(KEY, "ok"), ("wrong", "error")])
def test_a_rest_key_of_pagerduty_is_tried(tmp_path: Path, token: str, state: str):
    fake = FakePagerDuty(KEY, user="ana@example.org")

    (found,) = looked(tmp_path, source("pagerduty", token=token, user="ana@example.org"), fake)

    assert (found.channel, found.state) == ("source s", state)


def test_an_integrations_key_is_not_tried_and_nothing_is_sent(tmp_path: Path):
    fake = FakePagerDuty(KEY)

    (found,) = looked(tmp_path, source("pagerduty", token=KEY), fake)

    assert (found.state, "only be tried with an event" in found.text) == ("ok", True)
    assert (fake.events, fake.wrong) == ([], [])


@pytest.mark.parametrize(
    ("answer", "state"),
    [(response(200, b'{"uptime": "2026-11-23T03:00:00Z"}'), "ok"), (response(401), "error"), (None, "error")],
    ids=["well", "refused", "cut"],
)
def test_an_alertmanager_is_asked_for_its_status(tmp_path: Path, answer: bytes | None, state: str):
    web = Web(answer)

    (found,) = looked(tmp_path, source("alertmanager"), web)

    assert (found.channel, found.state) == ("source s", state)
    assert {(request.method, request.path) for request in web.seen} == {("GET", "/api/v2/status")}


@pytest.mark.parametrize("kind", ["github", "gitlab", "jira"])
@pytest.mark.parametrize(("token", "state"), [(TOKEN, "ok"), ("wrong", "error")])
def test_a_trackers_token_is_tried(tmp_path: Path, kind: str, token: str, state: str):
    told = f'[[trackers]]\nid = "t"\nkind = "{kind}"\nproject = "{PROJECTS[kind]}"\ntoken = "{token}"\nurl = "URL"\n'
    told += 'user = "bot@example.org"\n' if kind == "jira" else ""

    (found,) = looked(tmp_path, told, FakeTracker(kind))

    assert (found.channel, found.state) == ("tracker t", state)
