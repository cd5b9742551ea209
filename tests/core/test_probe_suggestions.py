"""What a guide's commands look at by hand, as probes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.shared_files import SHARED
from tocsin.core.guidance import CodeBlock, Source
from tocsin.core.policy import Policy, Severity
from tocsin.core.probe_suggestions import Suggested, suggested
from tocsin.guide.compile import compile_guide
from tocsin.setting.config import load
from tocsin.setting.probes_text import fragment

GUIDES = SHARED / "guides"


def commands(*codes: str) -> Suggested:
    blocks = tuple(
        CodeBlock(language="bash", code=code, source=Source(line=line)) for line, code in enumerate(codes, 1)
    )
    return suggested(Policy(title="Guide", severities=(Severity(id="P1", rank=0),), commands=blocks))


def asked(found: Suggested) -> list[str]:
    return [each.probe.url or each.probe.address or each.probe.domain or "" for each in found.suggestions]


@pytest.mark.parametrize(
    ("code", "kind", "target"),
    [
        ("curl -f https://api.example.org/health || echo down", "http", "https://api.example.org/health"),
        ("curl -sS -o /dev/null -w '%{http_code}' http://api:8080/readyz/ready", "http", "http://api:8080/readyz/ready"),
        ("curl -H 'Accept: text/html' https://a.example/-/healthy/status?full=1", "http", "https://a.example/-/healthy/status?full=1"),
        ("time curl api.example.org/api/health-check | jq .", "http", "http://api.example.org/api/health-check"),
        ("wget --spider https://a.example/status", "http", "https://a.example/status"),
        ("echo | openssl s_client -connect a.example:443 -servername a.example 2>/dev/null", "tls", "a.example:443"),
        ("dig +short MX example.org @1.1.1.1", "dns", "example.org"),
        ("nslookup api.example.org", "dns", "api.example.org"),
        ("nc -zv db.example.org 5432", "tcp", "db.example.org:5432"),
        ("pg_isready -h db.example.org", "tcp", "db.example.org:5432"),
    ],
)  # fmt: skip
def test_what_a_command_looks_at_is_a_probe(code: str, kind: str, target: str) -> None:
    found = commands(code)

    assert ([each.probe.kind for each in found.suggestions], asked(found)) == ([kind], [target])


@pytest.mark.parametrize(
    "code",
    [
        "curl -X POST https://a.example/health",
        "curl -d '{}' https://a.example/health",
        "kubectl exec pod -- curl http://api/health",
        "ssh host curl http://api/health",
        "curl https://grafana.example/d/main",
        'curl -s "http://prometheus:9090/api/v1/query?query=up"',
        "curl https://a.example/uploads/1",
        "openssl x509 -in a.pem",
        "echo 'curl https://a.example/health",
        "curl",
        "nc -l 80",
        "dig",
    ],
)
def test_what_changes_something_or_is_asked_from_elsewhere_is_none(code: str) -> None:
    assert commands(code) == Suggested(suggestions=(), left=())


@pytest.mark.parametrize(
    "code",
    [
        "curl https://<host>/health",
        "curl https://$HOST/health",
        "curl https://a.example/health/$ID",
        "openssl s_client -connect <customer api>:443",
        "nslookup <cluster>",
        "curl --cert c.pem https://a.example/health",
        "nslookup db",
        "nc -z db.example.org 99999",
    ],
)
def test_what_could_be_one_and_is_not_says_why(code: str) -> None:
    found = commands(code)

    assert found.suggestions == ()
    assert [each.line for each in found.left] == [1]


def test_one_thing_is_looked_at_once_and_every_line_is_named() -> None:
    found = commands("curl https://a.example/health", "true", "curl -f https://a.example/health && echo fine")

    (only,) = found.suggestions
    assert (only.lines, only.code, only.probe.service) == ((1, 3), "curl https://a.example/health", "a.example")


def test_the_certificate_of_a_host_is_looked_at_once() -> None:
    health, ready = "curl https://a.example/health", "curl https://a.example/ready"
    limits = [each.probe.page_before_seconds for each in commands(health, ready).suggestions]
    with_tls = commands(health, "openssl s_client -connect a.example:443").suggestions

    assert limits == [86_400, None]
    assert [each.probe.page_before_seconds for each in with_tls] == [None, 86_400]


def test_names_that_are_alike_are_told_apart() -> None:
    found = commands("curl https://a.example/health?a=1", "curl https://a.example/health?a=2")

    assert [each.probe.name for each in found.suggestions] == ["a.example-health", "a.example-health-2"]


def written(found: Suggested, folder: Path) -> list[Any]:
    file = folder / "tocsin.toml"
    file.write_text(fragment(found), "utf-8")
    return list(load(file, {}).probes)


def test_what_is_printed_is_what_a_configuration_reads(tmp_path: Path) -> None:
    found = commands(
        "curl -I https://a.example/health", "openssl s_client -connect a.example:443", "dig MX example.org",
        "nc -z db.example.org 5432", "curl http://localhost:5001/api/health",
    )  # fmt: skip

    assert written(found, tmp_path) == [each.probe for each in found.suggestions]
    assert "# on the machine where Tocsin runs" in fragment(found)


TEXT = st.text(max_size=30)
LINES = st.tuples(
    st.sampled_from(["curl https://a", "curl ", "openssl s_client -connect ", "dig ", "nc -z ", "pg_isready -h "]),
    TEXT,
    st.sampled_from(["/health", ":443", " 80", ".example", "\n[[people]]\nid = 'mallory'"]),
).map("".join)


@given(st.lists(LINES, max_size=5))
def test_whatever_a_guide_says_it_writes_nothing_but_probes(codes: list[str]) -> None:
    said = tomllib.loads(fragment(commands(*codes)))

    assert said.keys() <= {"probes"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("000", ["https://api.trixtech.com/health", "https://external-api.com/health"]),
        ("001", []),
        (
            "002",
            ["api.trdrhub.com:443", "https://api.trdrhub.com/health", "https://api.trdrhub.com/ready"],
        ),
        ("003", []),
        (
            "004",
            [
                "https://dashboard.duetright.com/api/health",
                "http://localhost:5001/api/health/services",
                "http://localhost:5001/api/health/services/auth",
                "http://localhost:5001/api/health/services/database",
                "https://dashboard.duetright.com/api/health/detailed",
            ],
        ),
    ],
)
@pytest.mark.skipif(not GUIDES.is_dir(), reason="the example guides are not beside the checkout")
def test_what_real_guides_look_at(number: str, expected: list[str], tmp_path: Path) -> None:
    (file,) = GUIDES.glob(f"{number}_*.txt")
    found = suggested(compile_guide(file.read_text("utf-8"), file.name).policy)

    assert asked(found) == expected
    assert [each.name for each in written(found, tmp_path)] == [each.probe.name for each in found.suggestions]
