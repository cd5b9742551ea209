"""Several tenants in one installation: hosts, keys, changes while it runs, trouble of one that is nobody else's."""

from __future__ import annotations

import asyncio
import io
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.tenants.asking import ask, examples, installation, token_of
from tocsin import acting
from tocsin.audit import AuditService
from tocsin.http import auth
from tocsin.http.links import Links
from tocsin.intake.outcome import Outcome
from tocsin.redaction import OneLine, Redactor
from tocsin.setting.config import load
from tocsin.setting.secret import secret_of
from tocsin.tenants.installation import Installation

pytestmark = pytest.mark.slow  # every one starts an installation

TOKEN = "0123456789abcdef0123456789abcdef"
SOURCE = f'[[sources]]\nname = "all"\nkind = "any"\ntoken = "{TOKEN}"\n'
CONFIG = """
[[tenants]]
name = "acme"
hosts = ["acme.test"]
config = "acme.toml"
[[tenants]]
name = "globex"
hosts = ["globex.test", "www.globex.test"]
"""
REFUSED = "vera is a viewer; to make and revoke tokens and sign-in links (token.manage) needs an administrator"
ALERT = [{"labels": {"alertname": "Down", "severity": "critical"}}]


def run(story) -> None:
    asyncio.run(story())


def test_tokens_sessions_and_sign_in_links_open_one_house_only(tmp_path: Path):
    async def story() -> None:
        (tmp_path / "acme.toml").write_text(SOURCE)
        async with installation(tmp_path, CONFIG) as house:
            acme, globex = house.running["acme"], house.running["globex"]
            link = (await ask(house, "acme.test", "POST", "/api/sign-in-links", token=token_of(acme),
                              body={"person": "al"})).json()["url"]  # fmt: skip
            assert link.startswith("http://acme.test:8080/sign-in/")
            path = link.removeprefix("http://acme.test:8080")
            for host in ("globex.test", "127.0.0.1", "elsewhere.test"):
                assert (await ask(house, host, "GET", "/api/me", token=token_of(acme))).status == 401
                refused = await ask(house, host, "POST", path, headers={"origin": f"http://{host}"})
                assert refused.status >= 400 and "set-cookie" not in refused.headers
            signed = await ask(house, "acme.test", "POST", path, headers={"origin": "http://acme.test"})
            cookie = signed.cookie
            assert "domain" not in "".join(signed.set_cookies).casefold()
            assert (await ask(house, "acme.test", "GET", "/api/me", headers=cookie)).status == 200
            for host in ("globex.test", "www.globex.test", "127.0.0.1"):
                assert (await ask(house, host, "GET", "/api/me", headers=cookie)).status == 401
            assert (await ask(house, "WWW.Globex.Test.:80", "GET", "/api/me", token=token_of(globex))).status == 200

    run(story)


def test_alerts_go_to_the_house_whose_host_and_token_they_name(tmp_path: Path):
    async def story() -> None:
        (tmp_path / "acme.toml").write_text(SOURCE)
        async with installation(tmp_path, CONFIG) as house:
            for host, status in (("acme.test", 200), ("globex.test", 401), ("127.0.0.1", 401)):
                said = await ask(house, host, "POST", "/api/v2/alerts", token=TOKEN, body=ALERT)
                assert said.status == status
                said = await ask(house, host, "POST", f"/in/any/{TOKEN}/api/v2/alerts", body=ALERT)
                assert said.status == status
                source = house.authorize({"host": host, "authorization": f"Bearer {TOKEN}"})
                assert (source is not None) == (status == 200)
            counts = {}
            for host, name in (("acme.test", "acme"), ("globex.test", "globex"), ("127.0.0.1", "default")):
                app = house.running[name]
                counts[name] = len(
                    (await ask(house, host, "GET", "/api/incidents", token=token_of(app))).json()["items"]
                )
            assert counts == {"acme": 1, "globex": 0, "default": 0}

    run(story)


def test_the_loopback_exception_is_for_the_installations_own_tenant(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            assert (await ask(house, "127.0.0.1", "POST", "/api/v2/alerts", body=ALERT)).status == 200
            for path in ("/api/v2/alerts", "/api/v1/alerts", "/metrics", "/ready"):
                assert (await ask(house, "127.0.0.1", "GET", path)).status == 200
                assert (await ask(house, "globex.test", "GET", path)).status == 401
            assert (await ask(house, "globex.test", "POST", "/api/v2/alerts", body=ALERT)).status == 401
            assert house.authorize({"host": "globex.test"}) is None
            assert house.main.loopback and not house.running["globex"].loopback  # whatever name leads there

    run(story)


def test_two_hosts_in_one_request_are_refused(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            told: list[int] = []

            async def send(message) -> None:
                told.append(message.get("status", 0))

            headers = [(b"host", b"acme.test"), (b"host", b"globex.test")]
            scope = {"type": "http", "method": "GET", "path": "/health", "headers": headers}
            await house(scope, None, send)
            assert told[0] == 400

    run(story)


def test_every_house_has_its_own_keys_and_a_copied_one_opens_nothing(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            acme, globex = house.running["acme"], house.running["globex"]
            assert len({secret_of(app.config.secret_file) for app in house.running.values()}) == 3
            copied = Links([secret_of(globex.config.secret_file)], "http://x", "acme")
            url = copied.acknowledge_url(
                tenant="acme", incidents=["i1"], person="al", page="p1", now=globex.clock.now()
            )
            said = await ask(house, "globex.test", "GET", url.removeprefix("http://x"))
            assert said.status == 404
            assert acme.vapid != globex.vapid

    (tmp_path / "acme.toml").write_text("")
    run(story)


def test_a_tenant_is_created_suspended_resumed_and_removed_while_the_others_run(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, "") as house:
            admin = token_of(house.main)
            form = {"name": "acme", "hosts": ["Acme.Test"], "limits": {"people": 1}}
            made = await ask(house, "127.0.0.1", "POST", "/api/tenants", token=admin, body=form)
            assert made.status == 201 and made.json()["sign_in"].startswith("http://acme.test:8080/sign-in/")
            token = token_of(house.running["acme"])
            assert (await ask(house, "acme.test", "GET", "/api/tenants", token=token)).status == 404
            again = await ask(house, "127.0.0.1", "POST", "/api/tenants", token=admin, body={**form, "name": "b"})
            assert again.status == 400 and "which is acme's" in again.body.decode()

            one = await ask(house, "acme.test", "PUT", "/api/people/al", token=token, body={"id": "al"})
            two = await ask(house, "acme.test", "PUT", "/api/people/bo", token=token, body={"id": "bo"})
            assert (one.status, two.status) == (201, 409) and "people: expected at most 1" in two.body.decode()
            more = await ask(house, "127.0.0.1", "PATCH", "/api/tenants/acme", token=admin, body={"limits": {}})
            assert more.status == 200
            two = await ask(house, "acme.test", "PUT", "/api/people/bo", token=token, body={"id": "bo"})
            assert two.status == 201

            assert (await ask(house, "127.0.0.1", "DELETE", "/api/tenants/acme", token=admin)).status == 409
            await ask(house, "127.0.0.1", "POST", "/api/tenants/acme/suspend", token=admin)
            said = await ask(house, "acme.test", "POST", "/api/v2/alerts", token=token, body=ALERT)
            assert said.status == 503 and said.headers["retry-after"]
            outcomes: list[Outcome] = []
            source = house.authorize({"host": "acme.test"})
            assert source is not None  # the bare protocol must not say 401, after which a sender gives up
            house.post(source.tenant, source.name, b"[]", outcomes.append)
            assert outcomes[0].status == 503 and outcomes[0].retry_after > 0

            await ask(house, "127.0.0.1", "POST", "/api/tenants/acme/resume", token=admin)
            token = token_of(house.running["acme"])
            people = (await ask(house, "acme.test", "GET", "/api/people", token=token)).json()["items"]
            assert [each["id"] for each in people] == ["al", "bo"]

            await ask(house, "127.0.0.1", "POST", "/api/tenants/acme/suspend", token=admin)
            gone = await ask(house, "127.0.0.1", "DELETE", "/api/tenants/acme", token=admin)
            assert (Path(gone.json()["data"]) / "tocsin.db").is_file()
            audit = (await ask(house, "127.0.0.1", "GET", "/api/audit?limit=50", token=admin)).body.decode()
            fresh = await ask(house, "127.0.0.1", "POST", "/api/tenants", token=admin, body={**form, "name": "acme2"})
            theirs = token_of(house.running["acme2"])
            assert fresh.status == 201
            link = await ask(house, "127.0.0.1", "POST", "/api/tenants/acme2/sign-in", token=admin)
            assert link.json()["url"].startswith("http://acme.test")
            record = (await ask(house, "acme.test", "GET", "/api/audit?limit=50", token=theirs)).body.decode()
            assert "local of the installation" in record
            for action in ("tenant.created", "tenant.changed", "tenant.deleted"):
                assert action in audit

    run(story)


def test_tenants_are_there_again_after_a_restart(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            admin = token_of(house.main)
            for name in ("one", "two"):
                form = {"name": name, "hosts": [f"{name}.test"]}
                assert (await ask(house, "127.0.0.1", "POST", "/api/tenants", token=admin, body=form)).status == 201
            await ask(house, "127.0.0.1", "POST", "/api/tenants/two/suspend", token=admin)
        async with installation(tmp_path, CONFIG.partition('[[tenants]]\nname = "globex"')[0]) as house:
            assert set(house.running) == {"default", "acme", "one"}
            assert set(house.known) == {"acme", "one", "two"}  # globex stands in the file no more

    (tmp_path / "acme.toml").write_text("")
    run(story)


def test_one_that_cannot_start_stops_nobody_else_and_is_named(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            assert set(house.running) == {"default", "globex"}
            assert (await ask(house, "acme.test", "GET", "/")).status == 503
            ready = await ask(house, "127.0.0.1", "GET", "/ready")
            assert ready.status == 200 and "unknown_key" in str(ready.json()["tenants"]["acme"])
            metrics = (await ask(house, "127.0.0.1", "GET", "/metrics")).body.decode()
            assert 'tocsin_tenant_ready{tenant="acme"} 0.0' in metrics
            assert 'tocsin_tenant_ready{tenant="globex"} 1.0' in metrics

    (tmp_path / "acme.toml").write_text("unknown_key = 1\n")
    run(story)


def test_the_own_tenant_serves_while_the_others_start(tmp_path: Path):
    async def story() -> None:
        (tmp_path / "tocsin.toml").write_text(CONFIG)
        (tmp_path / "acme.toml").write_text("")
        config = load(tmp_path / "tocsin.toml", {}, {"server.data": str(tmp_path / "data")})
        config.data.mkdir()
        house = Installation(config, examples)
        await house.start([])
        for host, status in (("127.0.0.1", 200), ("acme.test", 503)):
            assert (await ask(house, host, "GET", "/health")).status == status
        assert (await ask(house, "127.0.0.1", "GET", "/ready")).json()["tenants"]["acme"] == ["it is starting"]
        said: list[str] = []
        opening = asyncio.create_task(house.open(said.append))
        await asyncio.sleep(0)
        await house.stop()  # the one that was starting has started, and has stopped
        opening.cancel()
        assert any(line.startswith("tenant acme: at http://acme.test") for line in said)
        assert not any("globex" in line for line in said)

    run(story)


def test_the_audit_trail_of_each_is_whole_and_found_from_the_installations_database(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            token = token_of(house.running["acme"])
            await ask(house, "acme.test", "POST", "/api/incidents", token=token, body={"title": "Down"})

    (tmp_path / "acme.toml").write_text("")
    run(story)
    own = tmp_path / "data" / "tocsin.db"
    for name in ("default", "acme", "globex"):
        assert AuditService.verify_chain(own, tenant_id=name) == (True, [])
        with closing(sqlite3.connect(own)) as db:
            assert AuditService.verify_chain(db, tenant_id=name)[0]
    for name in ("nobody", "../tenants/acme", ""):
        assert not AuditService.verify_chain(own, tenant_id=name)[0]
    theirs = tmp_path / "data" / "tenants" / "acme" / "tocsin.db"
    assert AuditService.verify_chain(theirs, tenant_id="acme")[0]
    assert not AuditService.verify_chain(theirs, tenant_id="globex")[0]


def test_a_limit_of_alerts_is_answered_503_and_is_visible(tmp_path: Path):
    async def story() -> None:
        text = (
            SOURCE
            + '[[tenants]]\nname = "acme"\nhosts = ["acme.test"]\nconfig = "acme.toml"\n'
            + ("alerts_per_second = 1\nalerts_burst = 2\nbody_kb = 4\n")
        )
        async with installation(tmp_path, text) as house:
            statuses = []
            for n in range(4):
                alert = [{"labels": {"alertname": f"Down{n}"}}]
                statuses.append(
                    (await ask(house, "acme.test", "POST", "/api/v2/alerts", token=TOKEN, body=alert)).status
                )
            assert statuses == [200, 200, 503, 503]
            said = await ask(house, "acme.test", "POST", f"/in/generic/{TOKEN}", body={"title": "x"})
            assert said.status == 503 and said.headers["retry-after"]
            large = await ask(house, "acme.test", "POST", f"/in/generic/{TOKEN}", body={"title": "x" * 5000})
            assert large.status == 413
            token = token_of(house.running["acme"])
            ready = await ask(house, "acme.test", "GET", "/ready", token=token)
            assert ready.status == 503 and "alerts_per_second" in ready.body.decode()
            metrics = (await ask(house, "acme.test", "GET", "/metrics", token=token)).body.decode()
            assert "tocsin_limit_alerts_per_second_met_total 3.0" in metrics
            own = await ask(house, "127.0.0.1", "GET", "/ready")
            assert own.status == 200 and "acme" in own.json()["tenants"]
            assert (await ask(house, "127.0.0.1", "POST", "/api/v2/alerts", body=ALERT)).status == 200

    (tmp_path / "acme.toml").write_text(SOURCE)
    run(story)


def test_a_tenant_knows_its_name_and_its_rows_carry_it(tmp_path: Path):
    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            for name, app in house.running.items():
                rows = await app.read(lambda store, name=name: store.items(name, "guide"))
                assert app.tenant == name and rows
                source = msgspec.json.encode({"name": "s", "kind": "any"})
                host = {"default": "127.0.0.1"}.get(name, f"{name}.test")
                made = await ask(house, host, "POST", "/api/sources", token=token_of(app), body=source)
                assert made.status == 201

    (tmp_path / "acme.toml").write_text("")
    run(story)


def test_the_log_says_whose_work_a_line_is_about(tmp_path: Path):
    """A request, the writer, a reader, what runs for ever: each line names its tenant, or none for the own one."""
    (tmp_path / "acme.toml").write_text("")
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(OneLine(Redactor()))
    speaking = logging.getLogger("tocsin.spoken")

    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            for host, name in (("acme.test", "acme"), ("127.0.0.1", "default")):
                app = house.running[name]
                issued = auth.issue("vera", "viewer", app.clock.now(), name="test")
                await app.run(lambda store, n=name, r=issued.record: auth.save(store, n, "token", r))
                assert (await ask(house, host, "GET", "/api/tokens", token=issued.text)).status == 403
                await app.run(lambda _: speaking.warning("written"))
                await app.read(lambda _: speaking.warning("read"))

    logging.getLogger("tocsin").addHandler(handler)
    try:
        asyncio.run(story())
    finally:
        logging.getLogger("tocsin").removeHandler(handler)
    lines = [line.split(" WARNING ", 1)[-1] for line in told.getvalue().splitlines()]
    for label in (" [acme]", ""):
        assert f"tocsin.http.gate{label}: refused: /api/tokens: {REFUSED}" in lines
        assert f"tocsin.spoken{label}: written" in lines and f"tocsin.spoken{label}: read" in lines
    assert any(line.startswith("tocsin.watch.vigil [globex]: ") for line in lines), lines


def test_what_is_said_while_a_post_is_taken_names_its_tenant(tmp_path: Path):
    """The bare protocol calls `post` in the connection's context, which several tenants may use in turn."""
    (tmp_path / "acme.toml").write_text(SOURCE)
    named: list[str] = []

    class Listening:
        def post(self, tenant: str, source: str, body: bytes, tell: object) -> None:
            named.append(acting.tenant())

    async def story() -> None:
        async with installation(tmp_path, CONFIG) as house:
            for app in house.running.values():
                app.door = Listening()  # type: ignore[assignment]
            for name in ("acme", "default", "globex"):
                house.post(name, "all", b"[]", lambda outcome: None)
            named.append(acting.tenant())

    asyncio.run(story())
    assert named == ["acme", "", "globex", ""]
