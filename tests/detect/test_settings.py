"""What [[probes]] may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.core.probe import Probe
from tocsin.core.probe_fields import host_port
from tocsin.setting.config import Config, load
from tocsin.setting.file import ConfigError

SHOP = "[[probes]]\nname = 'shop'\nkind = 'http'\nurl = 'https://shop.example/health'\n"
TLS = "[[probes]]\nname = 'shop'\nkind = 'tls'\naddress = 'shop.example:443'\n"


def told(text: str, folder: Path) -> Config:
    file = folder / "tocsin.toml"
    file.write_text(text)
    return load(file, {})


def test_a_probe_says_what_is_asked_and_the_rest_has_defaults(tmp_path: Path) -> None:
    (probe,) = told(SHOP, tmp_path).probes

    assert probe == Probe(name="shop", kind="http", url="https://shop.example/health")


def test_everything_that_an_http_probe_may_say(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("Bearer hunter2\n")
    said = SHOP + (
        "every = '30s'\ntimeout = '5s'\nfailures = 2\nrecoveries = 1\nseverity = 'P1'\nservice = 'checkout'\n"
        "method = 'OPTIONS'\nheaders = { X-Site = 'a' }\nsecret_file = 'token'\nstatus = ['2xx', 301, '400-403']\n"
        "contains = 'ok'\nlatency_max = '800ms'\nca_file = 'ca.pem'\nrunbook_url = 'https://wiki.example/shop'\n"
        "warn_before = '14d'\npage_before = '24h'\njson = { status = 'ok', \"checks.db\" = true, n = 3 }\n"
    )
    config = told(said, tmp_path)
    (probe,) = config.probes

    assert probe == Probe(
        name="shop",
        kind="http",
        url="https://shop.example/health",
        every_seconds=30,
        timeout_seconds=5,
        failures=2,
        recoveries=1,
        severity="P1",
        service="checkout",
        method="OPTIONS",
        headers={"X-Site": "a"},
        secret="Bearer hunter2",
        status=((200, 299), (301, 301), (400, 403)),
        contains="ok",
        latency_max_seconds=0.8,
        ca_file=str(tmp_path / "ca.pem"),
        runbook="https://wiki.example/shop",
        warn_before_seconds=14 * 86_400,
        page_before_seconds=86_400,
        equals={"status": "ok", "checks.db": "true", "n": "3"},
    )
    assert "Bearer hunter2" in config.secrets
    assert tmp_path / "token" in config.secret_files


def test_a_tls_probe_warns_weeks_and_pages_a_day_before_the_end(tmp_path: Path) -> None:
    (probe,) = told(TLS, tmp_path).probes
    (other,) = told(TLS + "warn_before = '0s'\n", tmp_path).probes

    assert (probe.warn_before_seconds, probe.page_before_seconds) == (21 * 86_400, 86_400)
    assert other.warn_before_seconds == 0


def test_a_probe_that_looks_often_gives_up_in_time(tmp_path: Path) -> None:
    assert told(SHOP + "every = '5s'\n", tmp_path).probes[0].timeout_seconds == 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[probes]]\nname = 'a'\n", "probes[0].kind: expected a value, got nothing"),
        ("[[probes]]\nname = 'a b'\nkind = 'http'\nurl = 'http://a'", "probes[0].name: expected letters, digits"),
        ("[[probes]]\nname = 'a'\nkind = 'icmp'", "probes[0].kind: expected one of http, tcp, tls, dns, status-page"),
        (
            "[[probes]]\nname = 'a'\nkind = 'http'",
            "probes[0].url: expected a value, because a probe of kind http needs",
        ),
        ("[[probes]]\nname = 'a'\nkind = 'tcp'\naddress = 'db'", "probes[0].address: expected HOST:PORT, got 'db'"),
        ("[[probes]]\nname = 'a'\nkind = 'tcp'\naddress = 'db:99999'", "probes[0].address: expected HOST:PORT"),
        (
            "[[probes]]\nname = 'a'\nkind = 'tcp'\naddress = 'db:1'\nurl = 'http://a'",
            "probes[0].url: expected one of address, latency_max for a probe of kind tcp, got url",
        ),
        ("[[probes]]\nname = 'a'\nkind = 'dns'\ndomain = 'a b'", "probes[0].domain: expected a name such as"),
        (SHOP + "every = '5s'\ntimeout = '9s'", "probes[0].timeout: expected at most every (5 s), got 9 s"),
        (SHOP + "every = '1s'", "probes[0].every: expected a time"),
        (SHOP + "status = []", "probes[0].status: expected at least one status code"),
        (SHOP + "status = 'fine'", "probes[0].status: expected status codes"),
        (SHOP + "status = '299-200'", "probes[0].status: expected status codes"),
        (SHOP + "latency_max = '0ms'", "probes[0].latency_max: expected a time such as 800ms or 2s"),
        (SHOP + "json = { 'a[' = 'b' }", "probes[0].json: expected paths as JMESPath writes them"),
        (SHOP + "json = { a = [1] }", "probes[0].json: expected texts, numbers, true or false as values"),
        (SHOP + "headers = { 'X Y' = 'b' }", "probes[0].headers: expected names of letters"),
        (SHOP + 'headers = { X = "a\\r\\nB: c" }', "probes[0].headers: expected printable ASCII as the value of X"),
        (
            SHOP + "headers = { Authorization = 'a' }\nsecret = 'b'",
            "probes[0].headers: expected no Authorization, because secret is sent as that",
        ),
        (SHOP + "method = 'HEAD'\njson = { a = 1 }", "probes[0].json: expected nothing with method HEAD"),
        (SHOP + "body = '{}'", "probes[0].body: expected nothing with method GET, got a body"),
        (SHOP.replace("shop.example", "u:p@shop.example"), "probes[0].url: expected no password in it"),
        (SHOP.replace("https", "ftp"), "probes[0].url: expected http://... or https://..."),
        (SHOP.replace("/health", "/a b"), "probes[0].url: expected http://... or https://..."),
        (SHOP.replace("shop.example", "shop.example:x"), "probes[0].url: expected http://... or https://..."),
        (SHOP + SHOP, "probes[1].name: expected a name of its own, got 'shop'"),
        (SHOP + "evry = '1m'", "probes[0].evry: expected a known setting, got 'evry'; did you mean every?"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        told(text, tmp_path)

    assert complaint in str(error.value)
    assert "tocsin.toml:" in str(error.value)


def test_a_flaw_repeats_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        told(SHOP + 'secret = "hunter2\\u0001"', tmp_path)

    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("db.internal:5432", ("db.internal", 5432)), ("[::1]:53", ("::1", 53)), ("10.0.0.2", ("10.0.0.2", 53))],
)
def test_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert host_port(text, "server", 53) == expected
