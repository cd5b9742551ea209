"""What a Prometheus says to a question, and what comes instead."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
import pytest

from tests.senders.servers import Request, Web, closed_port, listening, response, silent
from tocsin.detect import prometheus
from tocsin.detect.answers import Refused, Series, Unanswered
from tocsin.detect.prometheus import SERIES_MAX, Prometheus

T = TypeVar("T")
T0 = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


def said(kind: str, result: object) -> bytes:
    body = {"status": "success", "data": {"resultType": kind, "result": result}, "warnings": ["x"]}
    return response(200, msgspec.json.encode(body), Content_Type="application/json")


def refused(status: int, kind: str, text: str) -> bytes:
    return response(status, msgspec.json.encode({"status": "error", "errorType": kind, "error": text}))


def asked(answer: bytes | None, ask: Callable[[Prometheus], Awaitable[T]], **options: str) -> tuple[T, list[Request]]:
    """What `ask` makes of a server that answers so, and what the server saw."""

    async def life() -> tuple[T, list[Request]]:
        web = Web(answer)
        async with listening(web) as port:
            made = Prometheus(f"http://127.0.0.1:{port}/prom/", **options)
            try:
                return await ask(made), web.seen
            finally:
                await made.close()

    return asyncio.run(life())


def test_a_vector_is_a_series_of_one_point_each():
    rows = [
        {"metric": {"__name__": "up", "job": "shop"}, "value": [1795921200.5, "0.042"]},
        {"metric": {"job": "none"}, "value": [1795921200.5, "NaN"]},
        {"metric": {"job": "histogram"}, "histogram": [1795921200.5, {}]},
        {"metric": {}, "value": [1795921200.5, "+Inf"]},
    ]

    found, seen = asked(said("vector", rows), lambda server: server.now("up", T0))

    assert found == [
        Series({"__name__": "up", "job": "shop"}, [(1795921200.5, 0.042)]),
        Series({}, [(1795921200.5, float("inf"))]),
    ]
    assert (seen[0].method, seen[0].path) == ("POST", "/prom/api/v1/query")
    assert parse_qs(seen[0].body.decode()) == {"query": ["up"], "time": [f"{T0.timestamp():.3f}"], "timeout": ["12s"]}
    assert "authorization" not in seen[0].headers


def test_a_matrix_has_its_points_and_a_scalar_one():
    rows = [{"metric": {"job": "shop"}, "values": [[1.0, "1"], [2.0, "NaN"], [3.0, "4"]]}]

    found, seen = asked(
        said("matrix", rows), lambda server: server.over("up", T0, T0 + timedelta(hours=1), 60), token="t0ken"
    )

    assert found == [Series({"job": "shop"}, [(1.0, 1.0), (3.0, 4.0)])]
    assert seen[0].path == "/prom/api/v1/query_range"
    assert parse_qs(seen[0].body.decode())["step"] == ["60"]
    assert seen[0].headers["authorization"] == "Bearer t0ken"
    assert asked(said("scalar", [1.0, "7"]), lambda server: server.now("7", T0))[0] == [Series({}, [(1.0, 7.0)])]


def test_a_name_and_a_password_go_along():
    _, seen = asked(said("vector", []), lambda server: server.now("up", T0), user="ana", password="secret")

    assert seen[0].headers["authorization"] == f"Basic {base64.b64encode(b'ana:secret').decode()}"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "."),
        (response(200, b"<html>"), "status 200 and no JSON of a Prometheus"),
        (response(302, b"", Location="http://elsewhere/"), "status 302 and no JSON"),
        (response(401, b"no"), "status 401"),
        (refused(503, "timeout", "query timed out"), "status 503, timeout: query timed out"),
        (said("string", [1.0, "x"]), "expected a vector, a matrix or a scalar, got string"),
        (said("vector", [{"metric": {}, "value": [1.0, "many"]}]), "an answer that does not fit"),
        (said("vector", [{"metric": {"x": "y" * prometheus.BODY_MAX}}]), "more than 8 MiB"),
    ],
)
def test_what_is_no_answer_is_said(answer: bytes | None, text: str):
    with pytest.raises(Unanswered, match=text):
        asked(answer, lambda server: server.now("up", T0))


def test_nobody_there_is_no_answer():
    async def life() -> None:
        async with closed_port() as port:
            server = Prometheus(f"http://127.0.0.1:{port}")
            with pytest.raises(Unanswered):
                await server.now("up", T0)
            await server.close()

    asyncio.run(life())


def test_a_question_that_is_wrong_is_refused_in_the_servers_words():
    with pytest.raises(Refused, match="bad_data: parse error"):
        asked(refused(400, "bad_data", "parse error: unexpected end"), lambda server: server.now("up{", T0))
    rows = [{"metric": {"n": str(n)}, "value": [1.0, "1"]} for n in range(SERIES_MAX + 1)]
    with pytest.raises(Refused, match="the answer has 501 series"):
        asked(said("vector", rows), lambda server: server.now("up", T0))


def test_a_host_that_may_not_be_called_is_not():
    async def life() -> None:
        async with listening(silent) as port:
            server = Prometheus(f"http://127.0.0.1:{port}", allowed=lambda host: False)
            with pytest.raises(Unanswered, match="outgoing_hosts"):
                await server.now("up", T0)
            await server.close()

    asyncio.run(life())
