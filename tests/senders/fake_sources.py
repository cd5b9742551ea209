"""A PagerDuty and an Opsgenie of our own: the calls by which they are told, as documented, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

import jsonschema_rs
import msgspec

from tests.senders.servers import Reader, Writer, response
from tests.shared_files import SHARED

VERBS = ("acknowledge", "unacknowledge", "close")
SPECIFICATION = SHARED / "fixtures" / "wire" / "pd_events.json"


class FakeSource:
    """`failures`: status codes that are answered first. `wrong`: what no such service would have taken."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self.wrong: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if self.failures:
                writer.write(response(self.failures.pop(0), b"{}"))
            else:
                status, said = self.answer(method, path, headers, msgspec.json.decode(body) if body else None)
                if status >= 400:
                    self.wrong.append(f"{method} {path}: {said}")
                writer.write(response(status, msgspec.json.encode(said)))
            await writer.drain()

    def answer(self, method: str, path: str, headers: dict[str, str], given: Any) -> tuple[int, Any]:
        raise NotImplementedError


class FakePagerDuty(FakeSource):
    """Its Events API v2 (`key`: the routing key) and, of REST, changing incidents (`user`)."""

    def __init__(self, key: str, user: str = "") -> None:
        super().__init__()
        self.key = key
        self.user = user
        self.events: list[tuple[str, str]] = []
        self.incidents: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, headers: dict[str, str], given: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/incidents?limit=1") and self.user:
            known = headers.get("authorization") == f"Token token={self.key}"
            return (200, {"incidents": []}) if known else (401, {"error": {"message": "Unauthorized"}})
        if headers.get("content-type") != "application/json":
            return 415, {"status": "unsupported"}
        if (method, path) == ("POST", "/v2/enqueue") and not self.user:
            return self._event(given)
        if (method, path) == ("PUT", "/incidents") and self.user:
            return self._changed(headers, given)
        return 404, {"error": {"message": "Not Found", "code": 2100}}

    def _event(self, given: Any) -> tuple[int, Any]:
        errors = event_errors(given)
        if given.get("routing_key") != self.key:
            errors.append("Invalid routing key")
        if errors:
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
        self.events.append((given["event_action"], given["dedup_key"]))
        return 202, {"status": "success", "message": "Event processed", "dedup_key": given["dedup_key"]}

    def _changed(self, headers: dict[str, str], given: Any) -> tuple[int, Any]:
        if headers.get("authorization") != f"Token token={self.key}":
            return 401, {"error": {"message": "Unauthorized"}}
        if headers.get("accept") != "application/vnd.pagerduty+json;version=2" or headers.get("from") != self.user:
            return 400, {"error": {"message": "Requester User Not Found", "code": 1008}}
        if set(given) != {"incidents"} or not given["incidents"]:
            return 400, {"error": {"message": "Invalid Input Provided", "code": 2001}}
        for each in given["incidents"]:
            if set(each) != {"id", "type", "status"} or each["type"] not in ("incident", "incident_reference"):
                return 400, {"error": {"message": "Invalid Input Provided", "code": 2001}}
            if each["status"] not in ("acknowledged", "resolved"):
                return 400, {"error": {"message": "Status is invalid", "code": 2001}}
            self.incidents.append((each["status"], each["id"]))
        return 200, {"incidents": given["incidents"]}


def event_errors(event: Any) -> list[str]:
    """What PagerDuty's own specification has against an event, and what its documentation says beside it."""
    errors = []
    if SPECIFICATION.exists():
        whole = msgspec.json.decode(SPECIFICATION.read_bytes())
        content = whole["paths"]["/enqueue"]["post"]["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": whole["components"], "additionalProperties": False}
        errors += [each.message for each in jsonschema_rs.validator_for(schema).iter_errors(event)]
    if not isinstance(event.get("dedup_key"), str) or not 0 < len(event["dedup_key"]) <= 255:
        errors.append("'dedup_key' is missing or blank")
    if event.get("event_action") not in ("acknowledge", "resolve") or len(str(event.get("routing_key"))) != 32:
        errors.append("'event_action' or 'routing_key' is invalid")
    return errors


class FakeOpsgenie(FakeSource):
    """Its alert API, as far as an alert that is known by its alias is changed."""

    def __init__(self, key: str, *, takes_back: bool = True) -> None:
        super().__init__()
        self.key = key
        self.verbs = VERBS if takes_back else ("acknowledge", "close")
        self.calls: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, headers: dict[str, str], given: Any) -> tuple[int, Any]:
        if headers.get("authorization") != f"GenieKey {self.key}":
            return 401, {"message": "Could not authenticate"}
        if (method, path) == ("GET", "/v2/alerts?limit=1"):
            return 200, {"data": [], "took": 0.1, "requestId": "r-0"}
        place, _, query = path.partition("?")
        parts = place.removeprefix("/jsm/ops/integration").split("/")
        if method != "POST" or parts[:3] != ["", "v2", "alerts"] or len(parts) != 5 or parts[4] not in self.verbs:
            return 404, {"message": "Not found"}
        if parse_qs(query) != {"identifierType": ["alias"]}:
            return 422, {"message": "identifierType is not valid"}
        if not isinstance(given, dict) or set(given) - {"user", "source", "note"}:
            return 422, {"message": "Request body is not processable"}
        if len(given.get("note", "")) > 25_000 or max(len(given.get(each, "")) for each in ("user", "source")) > 100:
            return 422, {"message": "too long"}
        self.calls.append((parts[4], unquote(parts[3])))
        return 202, {"result": "Request will be processed", "took": 0.1, "requestId": "r-1"}
