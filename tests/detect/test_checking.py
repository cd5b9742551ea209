from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.detect.servers import Authority, Reply, greeting_server, http_server, name_server
from tocsin.clock import SystemClock
from tocsin.core.probe import EXPIRY, REACH, UNABLE, VALIDITY, Look, Probe
from tocsin.detect.asking import BODY_BYTES_MAX, REDIRECTS_MAX
from tocsin.detect.checking import check
from tocsin.detect.reaching import Reach
from tocsin.wiring.reaching import reach_of

SECRET = "Bearer hunter2-hunter2"


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def look(reach: Reach | None = None, **fields: Any) -> Look:
    probe = Probe(name="p", **{"kind": "http", "timeout_seconds": 5, **fields})
    return await check(probe, reach or Reach(), SystemClock())


def said(found: Look, subject: str = REACH) -> str:
    problem = found.found.get(subject)
    return problem.text if problem else ""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


# --- http ------------------------------------------------------------------------------------------------------------


def test_an_answer_that_is_as_it_should_be() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/health"] = Reply(body=b'{"status": "ok", "checks": {"db": {"up": true}}}')
            found = await look(url=server.url(), equals={"status": "ok", "checks.db.up": "true"}, contains="checks")

        assert found.found == {REACH: None}
        assert found.evidence == {"http_status": "200", "address": "127.0.0.1"}
        assert found.up

    run(story())


@pytest.mark.parametrize(
    ("reply", "fields", "expected"),
    [
        (Reply(status=503, body=b"db down"), {}, "answers 503, expected 200-299"),
        (Reply(status=200), {"status": ((204, 204), (301, 301))}, "answers 200, expected 204 or 301"),
        (Reply(body=b"all well"), {"contains": "ready"}, "answers 200 without 'ready'"),
        (Reply(body=b'{"a": 1}'), {"equals": {"a": "2"}}, "answers 200 with a = 1, expected 2"),
        (Reply(body=b'{"a": 1}'), {"equals": {"b": "2"}}, "answers 200 with b = null, expected 2"),
        (Reply(body=b"<html>"), {"equals": {"b": "2"}}, "answers 200 with something that is no JSON"),
        (Reply(body=b"[" * 60_000), {"equals": {"b": "2"}}, "answers 200 with something that is no JSON"),
        (
            Reply(body=b" " * BODY_BYTES_MAX + b"{}"),
            {"equals": {"b": "2"}},
            "answers 200 with more than 256 KiB, which is not read as JSON",
        ),
        (
            Reply(status=302, headers={"Location": "https://login.example.org/sso?to=1"}),
            {},
            "answers 302, which leads elsewhere (https://login.example.org/sso) and is not followed",
        ),
        (Reply(status=302, headers={"Location": "http://[::"}), {}, "answers 302, which leads to no address"),
        (Reply(silent=True), {"timeout_seconds": 1}, "did not answer within 1 s"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(reply: Reply, fields: dict[str, Any], expected: str) -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/health"] = reply
            found = await look(url=server.url(), **fields)

        assert said(found) == expected
        assert not found.up

    run(story())


def test_a_question_is_asked_as_any_program_asks_it() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/health"] = Reply()
            await look(url=server.url())
            await look(url=server.url(), headers={"host": "shop.example"})

        first, second = server.asked
        assert f"Host: localhost:{server.port}\r\n" in first and "Content-Length" not in first
        assert "host: shop.example\r\n" in second and "Host:" not in second

    run(story())


def test_an_address_of_ipv6_is_spelt_as_servers_expect_it() -> None:
    async def story() -> None:
        here = Reach(judged=lambda host, addresses: ["127.0.0.1"])  # a machine may have no IPv6
        async with http_server() as server:
            server.replies["/health"] = Reply()
            assert (await look(here, url=f"http://[::1]:{server.port}/health")).up
            assert (await look(here, kind="tcp", address=f"[::1]:{server.port}")).up

        assert f"Host: [::1]:{server.port}\r\n" in server.asked[0]

    run(story())


def test_a_bad_answer_is_shown_without_our_secret() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/health"] = Reply(status=401, body=b"no\nsuch token: hunter2-hunter2 \x1b[31m" + b"x" * 999)
            found = await look(url=server.url(), secret=SECRET, headers={"X-Site": "a"})

        assert "hunter2" not in str(found) and found.evidence["answer"].startswith("no such token: … ")
        assert len(found.evidence["answer"]) == 300 and found.evidence["answer"].isprintable()
        assert f"Authorization: {SECRET}\r\n" in server.asked[0] and "X-Site: a\r\n" in server.asked[0]

    run(story())


def test_a_redirect_on_the_same_host_is_followed_and_a_circle_ends() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/old"] = Reply(status=301, headers={"Location": "/health"})
            server.replies["/health"] = Reply()
            server.replies["/circle"] = Reply(status=302, headers={"Location": "/circle"})
            assert (await look(url=server.url("/old"), method="POST", body="{}")).up
            assert server.asked[-1].startswith("GET /health")
            found = await look(url=server.url("/circle"))

        assert said(found) == "goes on to other addresses more than 5 times"
        assert len(server.asked) == 2 + REDIRECTS_MAX + 1

    run(story())


def test_a_secret_goes_to_no_other_port_or_name_that_an_answer_leads_to() -> None:
    async def story() -> None:
        async with http_server() as server, http_server() as other:
            for path, where in (("/port", other.url()), ("/name", f"http://127.0.0.1:{server.port}/x")):
                server.replies[path] = Reply(status=307, headers={"Location": where})
                assert "is not followed" in said(await look(url=server.url(path), secret=SECRET))

        assert other.asked == [] and len(server.asked) == 2

    run(story())


def test_a_redirect_that_is_expected_is_not_followed() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/"] = Reply(status=301, headers={"Location": "https://elsewhere.example/"})

            assert (await look(url=server.url("/"), status=((301, 301),))).up

    run(story())


def test_a_slow_answer_is_a_finding_where_there_is_a_limit() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/health"] = Reply()

            assert said(await look(url=server.url(), latency_max_seconds=0.000001)).startswith("answers after 0.")

    run(story())


def test_what_cannot_be_reached_is_said_for_people() -> None:
    async def story() -> None:
        port = free_port()

        assert said(await look(url=f"http://127.0.0.1:{port}/h?k=1")) == (
            f"refuses connections at http://127.0.0.1:{port}/h"
        )
        assert "cannot be found: no.such.invalid" in said(await look(url="http://no.such.invalid/"))
        assert said(await look(kind="tcp", address=f"127.0.0.1:{port}")) == (f"refuses connections at 127.0.0.1:{port}")

    run(story())


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://db.internal/health"},
        {"kind": "tcp", "address": "db.internal:1"},
        {"kind": "tls", "address": "db.internal:1"},
        {"kind": "dns", "domain": "a.example", "server": "db.internal"},
        {"kind": "status-page", "url": "http://db.internal"},
    ],
)
def test_nobody_goes_to_a_host_that_is_not_listed(fields: dict[str, Any]) -> None:
    async def story() -> None:
        found = await look(Reach(lambda host: host == "shop.example"), **fields)

        assert said(found) == "is not looked at: db.internal is not among the hosts of `[server] outgoing_hosts`"

    run(story())


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0xa9fea9fe", "0.0.0.0"])
def test_metadata_services_are_nobodys_to_look_at(host: str) -> None:
    async def story() -> None:
        for fields in ({"url": f"http://{host}/latest/health"}, {"kind": "tcp", "address": f"{host}:80"}):
            found = await look(reach_of(()), **fields)

            assert said(found).startswith(UNABLE) and "metadata" in said(found)

    run(story())


def test_private_addresses_are_what_probes_are_for() -> None:
    async def story() -> None:
        async with http_server() as server:
            assert (await look(reach_of(()), kind="tcp", address=f"127.0.0.1:{server.port}")).up

    run(story())


def test_a_port_that_takes_connections_is_up() -> None:
    async def story() -> None:
        async with http_server() as server:
            found = await look(kind="tcp", address=f"localhost:{server.port}")

        assert (found.found, found.evidence) == ({REACH: None}, {"address": "127.0.0.1"})

    run(story())


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_good_certificate_says_until_when(tmp_path: Path) -> None:
    async def story() -> None:
        authority = Authority(tmp_path)
        async with http_server(authority.certified("localhost")) as server:
            server.replies["/health"] = Reply()
            limits = {"ca_file": authority.file, "warn_before_seconds": 21 * 86_400, "page_before_seconds": 86_400}
            for found in (
                await look(kind="tls", address=f"localhost:{server.port}", **limits),
                await look(url=server.url(), **limits),
            ):
                assert found.found == {REACH: None, VALIDITY: None, EXPIRY: None}
                assert found.expires_at is not None
                assert timedelta(days=89) < found.expires_at - found.at < timedelta(days=91)

    run(story())


@pytest.mark.parametrize(
    ("left", "severity"), [(timedelta(days=10), "warning"), (timedelta(hours=23), None), (timedelta(hours=-1), None)]
)
def test_a_certificate_that_ends_is_a_finding_by_how_long_it_holds(
    left: timedelta, severity: str | None, tmp_path: Path
) -> None:
    async def story() -> None:
        authority = Authority(tmp_path)
        async with http_server(authority.certified("localhost", left=left)) as server:
            found = await look(
                kind="tls",
                address=f"localhost:{server.port}",
                ca_file=authority.file,
                warn_before_seconds=21 * 86_400,
                page_before_seconds=86_400,
            )

        problem = found.found[EXPIRY]
        assert problem is not None and problem.severity == severity
        assert found.up is (left > timedelta(0))
        assert not found.found[VALIDITY]
        assert "certificate_expires" in found.evidence

    run(story())


def test_a_certificate_for_another_name_or_by_a_stranger_proves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        authority = Authority(tmp_path)
        async with http_server(authority.certified("shop.example")) as server:
            server.replies["/health"] = Reply()
            where = f"localhost:{server.port}"
            mismatch = await look(kind="tls", address=where, ca_file=authority.file)
            stranger = await look(kind="tls", address=where)
            by_http = await look(url=server.url(), secret=SECRET, ca_file=authority.file)

        assert "Hostname mismatch" in said(mismatch, VALIDITY)
        assert "unable to get local issuer certificate" in said(stranger, VALIDITY)
        assert "Hostname mismatch" in said(by_http, VALIDITY)
        assert stranger.evidence["certificate_issuer"].startswith("OU=Testing CA")
        assert not (mismatch.up or stranger.up or by_http.up)
        assert server.asked == []  # nobody is told a secret before they have proved who they are

    run(story())


def test_a_port_that_speaks_no_tls_is_no_certificate_problem() -> None:
    async def story() -> None:
        async with greeting_server() as port:
            found = await look(kind="tls", address=f"127.0.0.1:{port}")

        assert said(found).startswith(f"speaks no TLS that we understand: 127.0.0.1:{port}")
        assert VALIDITY not in found.found

    run(story())


def test_a_file_of_authorities_that_is_missing_is_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with http_server() as server:
            found = await look(kind="tls", address=f"localhost:{server.port}", ca_file=str(tmp_path / "none.pem"))

        assert said(found).startswith("is not looked at: ca_file ")

    run(story())


# --- names -----------------------------------------------------------------------------------------------------------

A, MX, TXT = 1, 15, 16


def test_a_name_leads_where_it_should() -> None:
    async def story() -> None:
        async with name_server() as server:
            asked = {"kind": "dns", "domain": "shop.example", "server": f"127.0.0.1:{server.port}"}
            server.records = [(A, bytes([192, 0, 2, 1])), (A, bytes([192, 0, 2, 2]))]
            fine = await look(expected=("192.0.2.1", "192.0.2.2"), **asked)
            wrong = await look(expected=("192.0.2.1",), **asked)
            server.truncates = True
            by_tcp = await look(**asked)

        assert (fine.up, fine.evidence["answers"]) == (True, "192.0.2.1, 192.0.2.2")
        assert said(wrong) == "gets 192.0.2.2 for shop.example A, expected 192.0.2.1"
        assert by_tcp.evidence["answers"] == "192.0.2.1, 192.0.2.2"

    run(story())


def test_other_records_are_read_and_compared_as_names() -> None:
    async def story() -> None:
        async with name_server() as server:
            asked = {"kind": "dns", "domain": "shop.example", "server": f"127.0.0.1:{server.port}"}
            server.records = [(MX, b"\x00\x0a\x04Mail\xc0\x0c")]
            mail = await look(record="MX", expected=("10 mail.shop.example.",), **asked)
            server.records = [(TXT, b"\x05v=spf\x021 ")]
            text = await look(record="TXT", **asked)

        assert (mail.up, mail.evidence["answers"]) == (True, "10 Mail.shop.example")
        assert text.evidence["answers"] == "v=spf1 "

    run(story())


@pytest.mark.parametrize(("code", "word"), [(3, "NXDOMAIN"), (2, "SERVFAIL"), (11, "code 11")])
def test_a_refusal_is_said_by_its_name(code: int, word: str) -> None:
    async def story() -> None:
        async with name_server() as server:
            server.code = code
            found = await look(kind="dns", domain="shop.example", server=f"127.0.0.1:{server.port}")

        assert said(found) == f"gets {word} for shop.example A"

    run(story())


@pytest.mark.parametrize(
    "mangled", [b"", b"\x00" * 30, b"\xc0\x0c" * 20], ids=["nothing", "zeros", "a name that leads to itself"]
)
def test_an_answer_that_is_none_is_waited_past_and_said(mangled: bytes) -> None:
    async def story() -> None:
        async with name_server() as server:
            server.records = [(A, bytes([192, 0, 2, 1]))]
            server.mangle = lambda message: message[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + mangled
            found = await look(kind="dns", domain="a.example", server=f"127.0.0.1:{server.port}", timeout_seconds=1)

        assert "cannot be asked for" in said(found) or "no answer" in said(found)

    run(story())


def test_an_answer_to_another_question_is_not_believed() -> None:
    async def story() -> None:
        async with name_server() as server:
            server.records = [(A, bytes([192, 0, 2, 1]))]
            server.mangle = lambda message: bytes([message[0] ^ 1]) + message[1:]
            found = await look(kind="dns", domain="a.example", server=f"127.0.0.1:{server.port}", timeout_seconds=1)

        assert said(found) == "did not answer within 1 s"

    run(story())


# --- other people's status pages -------------------------------------------------------------------------------------


def summary(**statuses: str) -> bytes:
    components = [
        {"id": f"id-{name}", "name": name, "status": status, "group": name == "All"}
        for name, status in statuses.items()
    ]
    incident = {"name": "Slow jobs", "status": "investigating", "impact": "minor", "shortlink": "https://stspg.io/x"}
    return msgspec.json.encode(
        {
            "page": {"id": "1", "name": "Hub"},
            "components": components,
            "incidents": [incident],
            "status": {"indicator": "minor", "description": "Partially degraded"},
        }
    )


def test_what_a_provider_says_of_its_components_is_found() -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/api/v2/summary.json"] = Reply(
                body=summary(
                    Git="operational", API="major_outage", Jobs="degraded_performance", Web="under_maintenance", All="x"
                )
            )
            found = await look(kind="status-page", url=server.url("/"))
            only = await look(kind="status-page", url=server.url("/"), components=("git", "id-Jobs", "Pages"))

        assert {name: problem and (problem.text, problem.severity) for name, problem in found.found.items()} == {
            REACH: None,
            "component:Git": None,
            "component:API": ("has a major outage", None),
            "component:Jobs": ("has degraded performance", "warning"),
            "component:Web": None,
        }
        assert found.evidence["provider_incidents"] == "Slow jobs (investigating) https://stspg.io/x"
        assert found.evidence["page_status"] == "Partially degraded"
        assert only.found.keys() == {REACH, "component:Git", "component:Jobs"}
        assert said(only) == "names no component 'Pages'"

    run(story())


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=500, body=b""), "answers 500, expected 200-299"),
        (Reply(body=b"<html>"), "answers with no summary of a status page"),
        (Reply(body=b'{"components": 7}'), "answers with no summary of a status page"),
    ],
)
def test_a_page_that_cannot_be_read_is_a_warning_of_its_own(reply: Reply, expected: str) -> None:
    async def story() -> None:
        async with http_server() as server:
            server.replies["/api/v2/summary.json"] = reply
            found = await look(kind="status-page", url=server.url("/"))

        assert said(found).startswith(expected)
        problem = found.found[REACH]
        assert problem is not None and problem.severity == "warning"

    run(story())
