"""Pushing to status pages elsewhere, against servers of our own that answer as the real ones do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import pytest

from tests.senders.servers import Reader, Web, Writer, listening, response
from tocsin.core.people import Method, Person
from tocsin.core.status import Target
from tocsin.ports import Message, Receipt
from tocsin.senders.pages import PushSender

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def story(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Elsewhere:
    """A Statuspage or a Cachet, as far as pushes need one."""

    def __init__(self) -> None:
        self.incidents: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.components: dict[str, Any] = {}
        self.keys: set[str] = set()
        self.failing = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        self.calls.append((method, path))
        self.keys.add(headers.get("authorization", ""))
        if self.failing:
            self.failing -= 1
            return 503, {"error": "busy"}
        if path.startswith("/v1/"):
            return self._statuspage(method, path.partition("?")[0], body)
        return self._cachet(method, path.partition("?")[0], body)

    def _statuspage(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if "/components/" in path:
            self.components[path.rpartition("/")[2]] = body["component"]["status"]
            return 200, {}
        if method == "GET":
            found = list(self.incidents.values())
            return 200, [x for x in found if x["status"] != "resolved"] if path.endswith("unresolved") else found
        form = body["incident"]
        if method == "POST":
            name = f"sp{len(self.incidents) + 1}"
            self.incidents[name] = {"id": name, "bodies": [form["body"]], **form}
            return 201, self.incidents[name]
        known = self.incidents[path.rpartition("/")[2]]
        known.update(form, bodies=[*known["bodies"], form["body"]])
        return 200, known

    def _cachet(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.startswith("/api/components/"):
            self.components[path.rpartition("/")[2]] = body["status"]
            return 200, {}
        if path.endswith("/updates"):
            known = self.incidents[path.split("/")[3]]
            known.update(status=body["status"], bodies=[*known["bodies"], body["message"]])
            return 201, {}
        if method == "GET":
            rows = [
                {"id": name, "attributes": {"name": each["name"], "status": {"value": each["status"]}}}
                for name, each in self.incidents.items()
            ]
            return 200, {"data": rows}
        if path.startswith("/api/incidents"):
            name = str(len(self.incidents) + 1)
            self.incidents[name] = {**body, "bodies": [body["message"]]}
            return 201, {"data": {"id": name}}
        self.incidents[str(len(self.incidents) + 1)] = body
        return 200, {"id": "x1"}


def news(number: int, body: str, status: str = "investigating", component: str = "partial_outage") -> Message:
    incident = {
        "id": "i1",
        "name": "Payments fail",
        "status": status,
        "impact": "major",
        "components": [{"id": "payments", "status": component}],
        "incident_updates": [{"id": f"i1-{number}", "status": status, "body": body}],
    }
    return message({"incident": incident})


def message(data: dict[str, Any]) -> Message:
    return Message(
        id="a1-0", attempt=1, person=Person(id="elsewhere"), method=Method(kind="status-push", address="elsewhere"),  # type: ignore[arg-type]
        subject="x", text="x", acknowledge_url=None, incident_url="", reference="", incident="i1", severity="", rank=0,
        event="update", at=T0, data=data,
    )  # fmt: skip


async def pushing(kind: Any, elsewhere: Elsewhere, *messages: Message, forgetful: bool = False) -> list[Receipt]:
    """The receipts. `forgetful`: every push by a process that remembers nothing."""

    async def serve(reader: Reader, writer: Writer) -> None:
        web = Web(None)
        await web(reader, writer)
        (asked,) = web.seen
        body = asked.json if asked.body else None
        status, said = elsewhere.answer(asked.method, asked.path, asked.headers, body)
        writer.write(response(status, json.dumps(said).encode(), Content_Type="application/json"))
        await writer.drain()

    async with listening(serve) as port:
        url = f"http://127.0.0.1:{port}" + ("/hook" if kind == "page" else "")
        where = Target(id="elsewhere", kind=kind, url=url, page="p1", token="key", components={"payments": "7"})
        found: list[Receipt] = []
        sender = PushSender({"elsewhere": where}.get, allow_private=True, timeout_seconds=5)
        for each in messages:
            if forgetful:
                await sender.close()
                sender = PushSender({"elsewhere": where}.get, allow_private=True, timeout_seconds=5)
            found.append(await sender.send(each))
        await sender.close()
    return found


FIRST, SECOND = news(3, "We look into it."), news(7, "A full disk.", "identified", "major_outage")
LAST = news(9, "All is well.", "resolved", "operational")


@pytest.mark.parametrize("kind", ["statuspage", "cachet"])
@pytest.mark.parametrize("forgetful", [False, True])
@story
async def test_all_news_of_an_incident_goes_to_one_incident(kind: str, forgetful: bool):
    elsewhere = Elsewhere()

    receipts = await pushing(kind, elsewhere, FIRST, SECOND, LAST, forgetful=forgetful)

    assert [each.code for each in receipts] == ["sent"] * 3
    (one,) = elsewhere.incidents.values()
    assert one["name"] == "Payments fail"
    assert one["bodies"] == ["We look into it.", "A full disk.", "All is well."]
    assert one["status"] == ("resolved" if kind == "statuspage" else 4)
    assert elsewhere.keys == {"OAuth key" if kind == "statuspage" else "Bearer key"}


@story
async def test_components_are_named_as_they_are_there():
    statuspage, cachet = Elsewhere(), Elsewhere()
    await pushing("statuspage", statuspage, FIRST)
    await pushing("cachet", cachet, FIRST, SECOND)

    assert statuspage.incidents["sp1"]["components"] == {"7": "partial_outage"}
    assert cachet.incidents["1"]["components"] == [{"component_id": 7, "component_status": 3}]
    assert cachet.components == {"7": 4}


@story
async def test_a_push_that_is_made_twice_makes_one_incident():
    elsewhere = Elsewhere()

    await pushing("statuspage", elsewhere, FIRST, FIRST, forgetful=True)

    assert len(elsewhere.incidents) == 1


@story
async def test_late_news_does_not_undo_newer_news():
    elsewhere = Elsewhere()

    receipts = await pushing("statuspage", elsewhere, LAST, FIRST)

    assert elsewhere.incidents["sp1"]["status"] == "resolved"
    assert receipts[1].code == "sent" and "newer" in receipts[1].detail


@story
async def test_a_plain_page_gets_one_post_for_each_update():
    elsewhere = Elsewhere()

    await pushing("page", elsewhere, FIRST, LAST)

    assert [each["body"] for each in elsewhere.incidents.values()] == ["We look into it.", "All is well."]
    assert elsewhere.incidents["1"]["impact"] == "major"


@pytest.mark.parametrize("kind", ["statuspage", "cachet"])
@story
async def test_a_component_alone_is_pushed_where_it_has_a_name(kind: str):
    elsewhere = Elsewhere()
    known, unknown = ({"component": {"id": name, "status": "major_outage"}} for name in ("payments", "other"))

    await pushing(kind, elsewhere, message(known), message(unknown))

    assert elsewhere.components == {"7": "major_outage" if kind == "statuspage" else 4}


@story
async def test_a_busy_page_is_tried_again_and_a_target_that_is_gone_is_not():
    elsewhere = Elsewhere()
    elsewhere.failing = 1

    receipts = await pushing("statuspage", elsewhere, FIRST, FIRST)
    gone = await PushSender(lambda name: None).send(FIRST)

    assert [(each.code, each.permanent) for each in receipts] == [("refused", False), ("sent", False)]
    assert (gone.code, gone.permanent) == ("misconfigured", True)


@story
async def test_a_target_at_a_metadata_address_is_never_called():
    where = Target(id="elsewhere", kind="page", url="http://169.254.169.254/latest", token="key")

    receipt = await PushSender({"elsewhere": where}.get, allow_private=True).send(FIRST)

    assert (receipt.code, receipt.permanent) == ("bad_address", True)
