"""The HTTP API of a Prometheus, or of whatever speaks it (Thanos, Mimir, VictoriaMetrics): two questions, bounded.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2
import msgspec

from tocsin.core.metricwatch import Points
from tocsin.detect.answers import Refused, Series, Unanswered

TIMEOUT_SECONDS = 15.0  # for one question in all
SERVER_SECONDS = 12  # the server is asked to give up before that
BODY_MAX = 8 * 1024 * 1024
SERIES_MAX = 500  # of one answer; a question with more answers needs `sum by`
ERROR_MAX = 300  # characters of what a server says is wrong


class _Row(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct):
    resultType: str
    result: msgspec.Raw


class _Body(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""
    errorType: str = ""


_bodies = msgspec.json.Decoder(_Body)
_rows = msgspec.json.Decoder(list[_Row])
_scalar = msgspec.json.Decoder(tuple[float, str])


class Prometheus:
    """`url` without `/api/v1`. `allowed`: whether a host may be called at all. `close` when it is needed no more."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        allowed: Callable[[str], bool] = lambda host: True,
    ) -> None:
        self._url = httpx2.URL(url.rstrip("/"))
        self._allowed = allowed
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(TIMEOUT_SECONDS),
            headers={"authorization": f"Bearer {token}"} if token else {},
            auth=httpx2.BasicAuth(user, password or "") if user else None,
            verify=ssl.create_default_context(),  # the machine's authorities, an organisation's own among them
            trust_env=False,
            follow_redirects=False,
        )

    @property
    def host(self) -> str:
        """Where it is, for people."""
        return f"{self._url.host}:{self._url.port}" if self._url.port else self._url.host

    async def now(self, query: str, at: datetime) -> list[Series]:
        """Every series of the answer at an instant. Raises Unanswered, Refused."""
        return await self._asked("query", {"query": query, "time": f"{at.timestamp():.3f}"})

    async def over(self, query: str, begin: datetime, end: datetime, step_seconds: int) -> list[Series]:
        """Every series of the answer over a time. Raises Unanswered, Refused."""
        asked = {"query": query, "start": f"{begin.timestamp():.3f}", "end": f"{end.timestamp():.3f}"}
        return await self._asked("query_range", {**asked, "step": str(step_seconds)})

    async def close(self) -> None:
        await self._client.aclose()

    async def _asked(self, what: str, form: dict[str, str]) -> list[Series]:
        if not self._allowed(self._url.host):
            raise Unanswered(f"{self._url.host} is not among the hosts of `[server] outgoing_hosts`")
        form = {**form, "timeout": f"{SERVER_SECONDS}s"}
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                async with self._client.stream("POST", f"{self._url}/api/v1/{what}", data=form) as answer:
                    status, body = answer.status_code, await _bounded(answer)
        except TimeoutError:
            raise Unanswered(f"no answer within {TIMEOUT_SECONDS:.0f} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Unanswered(str(error) or type(error).__name__) from None
        return _read(status, body)


async def _bounded(answer: httpx2.Response) -> bytes:
    kept = bytearray()
    async for piece in answer.aiter_bytes():
        kept += piece
        if len(kept) > BODY_MAX:
            raise Unanswered(f"an answer of more than {BODY_MAX >> 20} MiB")
    return bytes(kept)


def _read(status: int, body: bytes) -> list[Series]:
    try:
        said = _bodies.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Unanswered(f"status {status} and no JSON of a Prometheus") from None
    if said.status != "success" or said.data is None:
        text = f"{said.errorType}: {said.error}"[:ERROR_MAX]
        if said.errorType in ("bad_data", "execution", "not_found"):
            raise Refused(text)
        raise Unanswered(f"status {status}, {text}")
    try:
        found = _series(said.data)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        raise Unanswered(f"an answer that does not fit: {error}"[:ERROR_MAX]) from None
    if len(found) > SERIES_MAX:
        raise Refused(f"the answer has {len(found)} series, expected at most {SERIES_MAX}: aggregate with sum by (...)")
    return found


def _series(data: _Data) -> list[Series]:
    match data.resultType:
        case "vector" | "matrix":
            return [Series(row.metric, points) for row in _rows.decode(data.result) if (points := _points(row))]
        case "scalar":
            at, value = _scalar.decode(data.result)
            return [Series({}, [(at, float(value))])]
        case other:
            raise ValueError(f"expected a vector, a matrix or a scalar, got {other}")


def _points(row: Any) -> Points:
    """Without what is no number; a series of nothing else has none."""
    said = [row.value] if row.value is not None else row.values
    return [(at, number) for at, value in said if not math.isnan(number := float(value))]
