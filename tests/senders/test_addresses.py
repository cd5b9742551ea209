"""Messages go to the addresses that were judged, and to no other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import httpcore2
import pytest

from tests.senders.messages import T0, message
from tests.senders.servers import Web, listening, response
from tocsin.clock import ManualClock
from tocsin.ports import Receipt
from tocsin.senders.addresses import Forbidden, Guard, judged, listed, only, reach
from tocsin.senders.http import Answer, Poster, target
from tocsin.senders.webhook import WebhookSender

METADATA = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
    "fd00:ec2::254",
    "192.0.0.192",
    "100.100.100.200",
]
NEVER = [*METADATA, "0.0.0.0", "::", "224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255", "fe80::1", "64:ff9b:1::1"]
PRIVATE = [
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "fc00::1",
    "2001:db8::1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_reserved_addresses_are_never_called(address):
    assert reach(ip_address(address)) == "never"
    with pytest.raises(Forbidden, match="never connected to"):
        judged("example.org", [address], allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_called_only_where_that_is_allowed(address):
    assert reach(ip_address(address)) == "private"
    assert judged("example.org", [address], allow_private=True) == [address]
    with pytest.raises(Forbidden, match="allow_private = true"):
        judged("example.org", [address], allow_private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address):
    assert judged("example.org", [address], allow_private=False) == [address]


def test_one_bad_address_forbids_the_name():
    with pytest.raises(Forbidden, match=r"169\.254\.169\.254"):
        judged("rebind.example", ["1.1.1.1", "169.254.169.254"], allow_private=True)


def post(url: str, *, allow_private: bool) -> Answer | Receipt:
    async def once() -> Answer | Receipt:
        poster = Poster(allow_private=allow_private, timeout_seconds=2)
        try:
            return await poster.post(target(url), {}, b"{}")
        finally:
            await poster.close()

    return asyncio.run(once())


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "①②⑦.⓪.⓪.①", "localhost"])
def test_every_spelling_of_loopback_is_judged_as_loopback(host):
    receipt = post(f"http://{host}:1/", allow_private=False)

    assert isinstance(receipt, Receipt)
    assert (receipt.code, receipt.permanent) == ("bad_address", True)
    assert "a private address" in receipt.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com:pass@169.254.169.254/",
        "http://169.254.169.254#@example.com/",
        "http://169.254.169.254:80/x?y=office.com",
        "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
    ],
)
def test_an_url_that_looks_like_another_host_is_judged_by_where_it_leads(url):
    receipt = post(url, allow_private=True)

    assert isinstance(receipt, Receipt)
    assert receipt.code == "bad_address"
    assert "never connected to" in receipt.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com\\@169.254.169.254/",
        "http://example.com/a b",
        "http://example.com/\r\nX: y",
        "ftp://example.com/",
        "//example.com/",
        "http:///path",
        "http://[broken/",
        "http://example.com:99999/",
        "",
        "http://" + "a" * 3000,
    ],
)
def test_an_url_that_parsers_disagree_about_is_refused(url):
    with pytest.raises(ValueError, match=r".+"):
        target(url)


def test_the_user_info_becomes_a_header_and_is_never_shown():
    basic, bearer = target("https://ana:s3cret@hook.example/x"), target("https://:tk_abc@ntfy.example/oncall")

    assert basic.authorization == "Basic YW5hOnMzY3JldA=="
    assert bearer.authorization == "Bearer tk_abc"
    assert basic.origin == "https://hook.example"


def test_the_name_stays_the_host_header_when_the_judged_address_is_called():
    async def story() -> Web:
        web = Web(response(200))
        async with listening(web) as port:
            poster = Poster(allow_private=True, timeout_seconds=2)
            await poster.post(target(f"http://localhost:{port}/hook?x=1"), {}, b"{}")
            await poster.close()
        return web

    (request,) = asyncio.run(story()).seen
    assert request.headers["host"].startswith("localhost:")
    assert request.path == "/hook?x=1"


def test_a_name_is_resolved_once_and_the_judged_address_is_called():
    """A name server that answers differently the second time (rebinding) is not asked a second time."""

    class Rebinding(Guard):
        asked = 0

        async def _resolve(self, host: str, port: int) -> list[str]:
            self.asked += 1
            return ["127.0.0.1"] if self.asked == 1 else ["169.254.169.254"]

    async def story() -> tuple[int, list[object]]:
        web = Web(response(204))
        guard = Rebinding(allow_private=True)
        async with listening(web) as port:
            stream = await guard.connect_tcp("rebind.example", port, timeout=2)
            called = stream.get_extra_info("server_addr")
            await stream.aclose()
        return guard.asked, [called[0]]

    assert asyncio.run(story()) == (1, ["127.0.0.1"])


def test_a_dead_address_of_a_name_does_not_use_all_the_time():
    class Two(Guard):
        async def _resolve(self, host: str, port: int) -> list[str]:
            return ["127.0.0.2", "127.0.0.1"]

    async def story() -> object:
        async with listening(Web(response(204))) as port:
            stream = await Two(allow_private=True).connect_tcp("two.example", port, timeout=2)
            called = stream.get_extra_info("server_addr")[0]
            await stream.aclose()
        return called

    assert asyncio.run(story()) == "127.0.0.1"


def test_a_name_that_does_not_resolve_is_unreachable_for_now():
    receipt = post("http://no-such-name.invalid/", allow_private=True)

    assert isinstance(receipt, Receipt)
    assert (receipt.code, receipt.permanent) == ("unreachable", False)


def test_a_redirect_to_the_metadata_service_is_not_followed():
    async def story() -> tuple[Receipt, Web]:
        web = Web(response(302, Location="http://169.254.169.254/latest/"))
        async with listening(web) as port:
            sender = WebhookSender(clock=ManualClock(T0), allow_private=True)
            receipt = await sender.send(message("webhook", f"http://127.0.0.1:{port}/"))
            await sender.close()
        return receipt, web

    receipt, web = asyncio.run(story())
    assert receipt.code == "refused"
    assert len(web.seen) == 1


def test_proxy_variables_are_ignored(monkeypatch):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: a proxy there would refuse
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{reserved.getsockname()[1]}")

        async def story() -> Answer | Receipt:
            async with listening(Web(response(200))) as port:
                poster = Poster(allow_private=True, timeout_seconds=2)
                answer = await poster.post(target(f"http://127.0.0.1:{port}/"), {}, b"{}")
                await poster.close()
                return answer

        answer = asyncio.run(story())

    assert isinstance(answer, Answer) and answer.status == 200


def test_the_guard_says_what_httpcore_says_when_nothing_listens():
    async def story() -> None:
        async with listening(Web(response(200))) as port:
            pass
        await Guard(allow_private=True).connect_tcp("127.0.0.1", port, timeout=2)

    with pytest.raises(httpcore2.ConnectError):
        asyncio.run(story())


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("hooks.slack.com", True),
        ("HOOKS.slack.com.", True),
        ("slack.com", False),
        ("a.b.example.org", True),
        ("example.org", False),
        ("evilexample.org", False),
        ("hooks.slack.com.evil.org", False),
        ("1.1.1.1", False),
        ("10.0.0.7", True),
    ],
)
def test_a_list_of_hosts_means_those_names_and_what_is_below_a_star(host: str, fits: bool):
    assert listed(host, ["hooks.slack.com", "*.example.org", "10.0.0.7"]) is fits


@pytest.fixture
def anywhere() -> Iterator[None]:
    yield
    only(())


def test_nothing_goes_to_a_host_that_is_not_listed(anywhere: None):
    """Not even its name is resolved, which would tell its owner."""

    async def posted() -> list[Answer | Receipt]:
        poster = Poster(allow_private=True)
        urls = ("http://127.0.0.1:9/hook", "http://nowhere.invalid/hook")
        said = [await poster.post(target(url), {}, b"") for url in urls]
        await poster.close()
        return said

    only(["*.example.org"])

    for each in asyncio.run(posted()):
        assert isinstance(each, Receipt) and each.code == "bad_address"
        assert "outgoing_hosts" in each.detail
