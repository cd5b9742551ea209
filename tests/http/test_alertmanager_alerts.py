from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from tests.http.am_world import SOURCE_TOKEN, T0, AmWorld, Serving, am_server
from tocsin.core.policy import Matcher
from tocsin.core.silence import Maintenance
from tocsin.http import auth
from tocsin.http.silences import put_maintenance


class Am:
    def __init__(self, folder: Path, *, loopback: bool = True) -> None:
        self.world = AmWorld(folder, loopback=loopback)
        self.server: Serving = am_server(self.world)
        self.client = self.server.client()

    def post(self, *alerts: dict[str, Any], **headers: str) -> httpx2.Response:
        return self.client.post("/api/v2/alerts", json=list(alerts), headers=headers)

    def names(self, **query: Any) -> list[str]:
        answer = self.client.get("/api/v2/alerts", params=query)
        assert answer.status_code == 200, answer.text
        return sorted(each["labels"]["alertname"] for each in answer.json())


@pytest.fixture
def am(tmp_path: Path) -> Iterator[Am]:
    made = Am(tmp_path)
    yield made
    made.server.stop()
    made.world.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Am]:
    made = Am(tmp_path, loopback=False)
    yield made
    made.server.stop()
    made.world.close()


def alert(name: str, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, **labels}}


def test_a_posted_alert_is_listed_as_alertmanager_lists_it(am: Am) -> None:
    answer = am.post(
        {
            "labels": {"alertname": "HighErrorRate", "service": "checkout"},
            "annotations": {"summary": "5xx > 10%"},
            "generatorURL": "http://prom/graph",
            "startsAt": "2026-11-23T02:59:00.123456789Z",
            "endsAt": "2026-11-23T03:04:00Z",
        }
    )

    assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (200, b"", None)
    listing = am.client.get("/api/v2/alerts")
    assert listing.headers["content-type"] == "application/json"
    (shown,) = listing.json()
    assert len(shown.pop("fingerprint")) == 16
    assert shown == {
        "annotations": {"summary": "5xx > 10%"},
        "endsAt": "2026-11-23T03:04:00.000Z",
        "receivers": [{"name": "checkout"}],
        "startsAt": "2026-11-23T02:59:00.123Z",
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": "2026-11-23T03:00:00.000Z",
        "generatorURL": "http://prom/graph",
        "labels": {"alertname": "HighErrorRate", "service": "checkout"},
    }


def test_an_alert_that_ended_is_not_listed(am: Am) -> None:
    am.post(alert("Gone") | {"startsAt": "2026-11-23T02:00:00Z", "endsAt": "2026-11-23T02:30:00Z"}, alert("Here"))

    assert am.names() == ["Here"]


def test_every_filter_has_to_hold_and_equalities_narrow_the_reading(am: Am) -> None:
    am.post(alert("A", team="db", zone="eu"), alert("B", team="db"), alert("C", team="web", zone="us"))

    assert am.names(filter=['team="db"', 'zone=~"e.*"']) == ["A"]
    assert am.names(filter="team!=db") == ["C"]
    assert am.names(filter='zone=""') == ["B"]
    assert am.names(filter='{team="db",zone!="eu"}') == ["B"]
    assert am.world.alerts.asked == [{"team": "db"}, {}, {}, {"team": "db"}]


def test_receivers_are_chosen_by_an_anchored_regex(am: Am) -> None:
    am.post(alert("A", team="db"), alert("B", service="checkout"), alert("C"))

    assert am.names(receiver="data.*") == ["A"]
    assert am.names(receiver="check") == []
    assert am.names(receiver_matchers='service="checkout"') == ["B"]


def test_silenced_alerts_are_suppressed_from_the_moment_the_silence_stands(am: Am) -> None:
    am.post(alert("A", service="checkout"), alert("B"))
    answer = am.client.post(
        "/api/v2/silences",
        json={
            "matchers": [{"name": "service", "value": "checkout", "isRegex": False}],
            "startsAt": "2026-11-23T03:00:00Z",
            "endsAt": "2026-11-23T04:00:00Z",
            "createdBy": "ana",
            "comment": "deploy",
        },
    )

    (shown,) = (each for each in am.client.get("/api/v2/alerts").json() if each["labels"]["alertname"] == "A")
    assert shown["status"]["state"] == "suppressed"
    assert shown["status"]["silencedBy"] == [answer.json()["silenceID"]]
    assert am.names(silenced="false") == ["B"]
    assert am.names(active="false") == ["A"]
    am.world.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    am.post(alert("A", service="checkout"))
    assert am.names(silenced="false") == ["A"]


def test_inhibited_alerts_name_what_inhibits_them(am: Am) -> None:
    am.post(alert("ClusterDown", cluster="c1", severity="critical"), alert("Slow", cluster="c1", severity="warning"))

    shown = {each["labels"]["alertname"]: each for each in am.client.get("/api/v2/alerts").json()}
    assert shown["Slow"]["status"]["inhibitedBy"] == [shown["ClusterDown"]["fingerprint"]]
    assert am.names(inhibited="false") == ["ClusterDown"]


def test_alerts_in_maintenance_are_muted_by_the_window(am: Am) -> None:
    window = Maintenance(
        id="",
        starts_at=T0,
        ends_at=T0 + timedelta(hours=1),
        matchers=(Matcher(name="team", value="db"),),
        updated_at=T0,
    )
    stored = am.world.do(lambda store: put_maintenance(store, am.world.tenant, window))
    am.post(alert("A", team="db"), alert("B"))

    (shown,) = am.client.get("/api/v2/alerts", params={"filter": "team=db"}).json()
    assert shown["status"]["mutedBy"] == [stored.id]
    assert shown["status"]["state"] == "suppressed"
    assert am.names(silenced="false") == ["B"]


def test_an_alert_nobody_is_paged_for_is_still_listed(am: Am) -> None:
    am.post(alert("A", env="dev"))

    (shown,) = am.client.get("/api/v2/alerts").json()
    assert (shown["receivers"], shown["status"]["state"]) == ([{"name": "nobody"}], "active")


def test_groups_gather_what_is_one_problem(am: Am) -> None:
    am.post(
        alert("Slow", service="checkout", instance="a"),
        alert("Slow", service="checkout", instance="b"),
        alert("Disk", team="db"),
    )

    groups = am.client.get("/api/v2/alerts/groups").json()
    assert [(each["receiver"]["name"], each["labels"], len(each["alerts"])) for each in groups] == [
        ("database", {"alertname": "Disk"}, 1),
        ("checkout", {"alertname": "Slow"}, 2),
    ]
    assert groups[0]["routeLabels"] == {}


def test_muted_groups_can_be_left_out(am: Am) -> None:
    am.post(alert("ClusterDown", cluster="c1"), alert("Slow", cluster="c1", severity="warning"))

    shown = am.client.get("/api/v2/alerts/groups", params={"muted": "false"}).json()
    assert [each["labels"]["alertname"] for each in shown] == ["ClusterDown"]


def test_the_old_listing_has_the_state_in_both_places(am: Am) -> None:
    am.post(alert("A", service="checkout"))

    shown = am.client.get("/api/v1/alerts").json()
    assert shown["status"] == "success"
    (data,) = shown["data"]
    assert (data["state"], data["status"]["state"], data["receivers"]) == ("active", "active", ["checkout"])


def test_status_says_what_clients_look_for(am: Am) -> None:
    shown = am.client.get("/api/v2/status").json()

    assert shown["cluster"] == {"peers": [], "status": "disabled"}
    assert shown["uptime"] == "2026-11-23T03:00:00.000Z"
    assert shown["versionInfo"]["version"] == "0.25.0"
    assert shown["versionInfo"]["revision"] == "tocsin 0.1.0"
    assert "receiver: database" in shown["config"]["original"]


def test_receivers_are_what_alerts_can_say(am: Am) -> None:
    assert [each["name"] for each in am.client.get("/api/v2/receivers").json()] == [
        "main", "database", "checkout", "nobody",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("filter=%7Ba", 400, "bad matcher format: {a"),
        ("filter=", 400, "bad matcher format: "),
        ("filter=a%3D~%5B", 400, "bad matcher format: a=~["),
        ("receiver=%5B", 400, "failed to parse receiver param: "),
        ("active=ture", 400, 'active in query must be of type boolean: "ture"'),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(am: Am, query: str, status: int, told: str) -> None:
    answer = am.client.get(f"/api/v2/alerts?{query}")

    assert answer.status_code == status
    assert answer.json().startswith(told)


def test_a_query_of_thousands_of_fields_is_refused(am: Am) -> None:
    assert am.client.get("/api/v2/alerts?" + "filter=a%3Db&" * 300).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("PUT", "/api/v2/alerts", 405, '{"code":405,"message":"method PUT is not allowed, but [GET,POST] are"}'),
        ("POST", "/api/v2/status", 405, '{"code":405,"message":"method POST is not allowed, but [GET] are"}'),
        ("GET", "/api/v2/nosuch", 404, '{"code":404,"message":"path /api/v2/nosuch was not found"}'),
        ("GET", "/api/v2/", 404, '{"code":404,"message":"path /api/v2/ was not found"}'),
        ("GET", "/api/v2/silence/a/b", 404, '{"code":404,"message":"path /api/v2/silence/a/b was not found"}'),
    ],
)
def test_wrong_methods_and_paths_are_told_as_alertmanager_tells_them(
    am: Am, method: str, path: str, status: int, body: str
) -> None:
    answer = am.client.request(method, path)

    assert (answer.status_code, answer.text.strip()) == (status, body)


def test_health_and_readiness_have_their_old_names(am: Am) -> None:
    assert am.client.get("/-/healthy").text == "OK"
    assert am.client.head("/-/ready").status_code == 200
    am.world.reasons = ("the disk is full",)

    assert (am.client.get("/-/ready").status_code, am.client.get("/-/ready").text) == (503, "the disk is full")
    assert am.client.get("/-/healthy").status_code == 200


def test_a_silence_has_to_be_json_and_an_alert_is_taken_as_it_comes(am: Am) -> None:
    plain = {"content-type": "text/plain"}
    silence = am.client.post("/api/v2/silences", content=b"{}", headers=plain)
    posted = am.client.post("/api/v2/alerts", content=b'[{"labels":{"alertname":"A"}}]', headers=plain)

    assert silence.status_code == 415
    assert silence.json()["message"] == 'unsupported media type "text/plain", only [application/json] are allowed'
    assert (posted.status_code, am.names()) == (200, ["A"])


def test_a_listing_that_gets_no_turn_asks_to_come_back(am: Am) -> None:
    def busy(*_: Any) -> Any:
        raise TimeoutError

    am.world.alerts = SimpleNamespace(firing=busy)  # type: ignore[assignment]

    answer = am.client.get("/api/v2/alerts")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


# --- who may call what ------------------------------------------------------------------------------------------------


def test_on_loopback_no_token_is_needed_unless_a_browser_or_another_name_is_involved(am: Am) -> None:
    assert am.client.get("/api/v2/status").status_code == 200
    assert am.client.get("/api/v2/status", headers={"Origin": "http://evil.example"}).status_code == 401
    assert am.client.get("/api/v2/status", headers={"Host": "evil.example"}).status_code == 401


@pytest.mark.parametrize("path", ["/api/v2/alerts/", "/api/v2/alerts/groups/", "/api/v2/status/", "/api/v2/silences/"])
def test_a_slash_at_the_end_is_read_past_as_alertmanager_does(am: Am, path: str) -> None:
    assert am.client.get(path).status_code == 200
    assert am.client.get(f"{path}nosuch/").status_code == 404


def test_elsewhere_everybody_needs_a_token(guarded: Am) -> None:
    for path in ("/api/v2/status", "/api/v2/alerts", "/api/v1/alerts", "/api/v2/silences"):
        answer = guarded.client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="tocsin"')
    assert guarded.client.get("/-/healthy").status_code == 200


def test_a_source_may_hand_in_alerts_and_nothing_else(guarded: Am) -> None:
    bearer = {"Authorization": f"Bearer {SOURCE_TOKEN}"}

    assert guarded.post(alert("A"), **bearer).status_code == 200
    assert guarded.client.get("/api/v2/status", headers=bearer).status_code == 200
    assert guarded.client.get("/api/v2/alerts", headers=bearer).status_code == 403
    assert guarded.client.post("/api/v2/silences", headers=bearer, json={}).status_code == 403
    (episode,) = guarded.world.alerts.episodes.values()
    assert episode.source == "prom"


def test_a_token_of_a_restored_backup_hands_in_alerts_and_reads_none(guarded: Am) -> None:
    text = guarded.world.token("responder")
    responder = {"Authorization": f"Bearer {text}"}
    guarded.world.do(lambda store: auth.suspend_tokens(store, guarded.world.tenant))
    alert = [{"labels": {"alertname": "Down"}}]

    read = guarded.client.get("/api/v2/alerts", headers=responder)
    assert read.status_code == 403
    assert "tocsin token confirm" in read.text
    assert guarded.client.post("/api/v2/alerts", headers=responder, json=alert).status_code == 200


def test_a_token_may_come_as_the_password_of_basic_authentication(guarded: Am) -> None:
    client = guarded.server.client()

    assert client.post("/api/v2/alerts", json=[alert("A")], auth=("prometheus", SOURCE_TOKEN)).status_code == 200
    assert client.post("/api/v2/alerts", json=[alert("A")], auth=("prometheus", "wrong")).status_code == 401


def test_a_viewer_looks_and_a_responder_acts(guarded: Am) -> None:
    viewer = {"Authorization": f"Bearer {guarded.world.token('viewer')}"}
    responder = {"Authorization": f"Bearer {guarded.world.token('responder')}"}

    assert guarded.client.get("/api/v2/alerts", headers=viewer).status_code == 200
    assert guarded.post(alert("A"), **viewer).status_code == 403
    assert guarded.post(alert("A"), **responder).status_code == 200
    assert guarded.client.post("/api/v2/silences", json={}, headers=responder).status_code == 400
