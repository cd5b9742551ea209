"""The public pages over HTTP: what visitors read, what programs read, and what nobody may read."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest

from tests.http.world import T0, Server

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
SECRET = "db-prod-7.internal.example"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def admin(server: Server) -> httpx2.Client:
    return server.client(server.world.token())


def furnish(api: httpx2.Client) -> None:
    """Two components, one of which follows the service checkout."""
    page = {"name": "Acme status", "default": True, "components": [], "url": "https://example.org"}
    assert api.put("/api/status/pages/acme", json=page).status_code == 200
    for name, title, services in (("api", "API", ["checkout"]), ("web", "Website", [])):
        form = {"name": title, "services": services}
        made = api.put(f"/api/status/components/{name}?page=acme", json=form)
        assert made.status_code == 200, made.text


def declare(api: httpx2.Client, **more: Any) -> str:
    form = {"title": f"Replication lag on {SECRET}", "severity": "SEV-1", "service": "checkout", **more}
    return str(api.post("/api/incidents", json=form).json()["id"])


def test_there_is_a_page_before_anybody_made_one(server: Server):
    visitor = server.client()

    answer = visitor.get("/status")

    assert answer.status_code == 200
    assert "No problems known." in answer.text
    assert "script" not in answer.text


def test_an_open_incident_shows_only_once_somebody_publishes_it(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident, visitor = declare(admin), server.client()
    assert "All systems operational." in visitor.get("/status/acme").text

    admin.post(f"/api/incidents/{incident}/post-update", json={"text": "We are looking into it.", "audience": "public"})

    page = visitor.get("/status/acme").text
    assert "API is partly down." in page
    assert "Problem with API" in page and "We are looking into it." in page


def test_a_resolution_frees_the_component_without_a_second_action(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident, visitor = declare(admin), server.client()
    admin.post(f"/api/incidents/{incident}/publish", json={"name": "Slow API"})
    assert component(visitor, "api")["status"] == "partial_outage"

    admin.post(f"/api/incidents/{incident}/resolve", json={"because": f"restarted {SECRET}"})

    assert component(visitor, "api")["status"] == "operational"
    (shown,) = visitor.get("/status/acme/api/v2/incidents.json").json()["incidents"]
    assert (shown["status"], shown["incident_updates"][0]["status"]) == ("resolved", "resolved")


def component(visitor: httpx2.Client, name: str) -> dict[str, Any]:
    found = visitor.get("/status/acme/api/v2/components.json").json()["components"]
    return next(each for each in found if each["id"] == name)


def test_a_component_that_an_incident_holds_is_not_talked_green(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident, visitor = declare(admin), server.client()
    admin.post(f"/api/incidents/{incident}/publish", json={"name": "Slow API"})

    admin.post("/api/status/components/api/report", json={"state": "operational"})

    assert component(visitor, "api")["status"] == "partial_outage"


EVERYWHERE = [
    "",
    "/history",
    "/incidents/{id}",
    "/history.atom",
    "/history.rss",
    "/api/v2/summary.json",
    "/api/v2/incidents.json",
    "/api/v2/components.json",
    "/api/v2/status.json",
]


def test_no_private_word_leaks_anywhere(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident = declare(admin, description=SECRET)
    for command, body in (
        ("add-note", {"text": SECRET, "private": True}),
        ("post-update", {"text": SECRET, "audience": "response team"}),
        ("set-root-cause", {"cause": SECRET}),
        ("assign-role", {"role": "Incident Commander", "person": "ana"}),
        ("post-update", {"text": "We are looking into it.", "audience": "public"}),
    ):
        assert admin.post(f"/api/incidents/{incident}/{command}", json=body).status_code == 200
    visitor = server.client()

    for path in EVERYWHERE:
        text = visitor.get("/status/acme" + path.format(id=incident)).text
        for private in (SECRET, "INC-", "Ana Ivanova", "Incident Commander", "SEV-1"):
            assert private not in text, f"{private} in {path}"


def test_hostile_words_stay_words(server: Server, admin: httpx2.Client):
    furnish(admin)
    admin.put("/api/status/components/web", json={"name": HOSTILE, "description": HOSTILE})
    incident = declare(admin)
    admin.post(f"/api/incidents/{incident}/publish", json={"name": HOSTILE, "components": ["web"]})
    admin.post(f"/api/incidents/{incident}/post-update", json={"text": HOSTILE, "audience": "public"})
    visitor = server.client()

    for path in ("", "/history", f"/incidents/{incident}"):
        answer = visitor.get(f"/status/acme{path}")
        assert "<script" not in answer.text and "<img" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "script-src" not in policy and "unsafe" not in policy
    feed = ElementTree.fromstring(visitor.get("/status/acme/history.atom").content)
    assert HOSTILE in str(feed.findtext(f"{ATOM}entry/{ATOM}title"))
    assert visitor.get("/status/acme/api/v2/incidents.json").json()["incidents"][0]["name"] == HOSTILE


def test_a_drill_reaches_nobody(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident = declare(admin, drill=True)

    refused = admin.post(f"/api/incidents/{incident}/publish", json={"name": "Slow"})
    admin.post(f"/api/incidents/{incident}/post-update", json={"text": "a drill", "audience": "public"})

    assert refused.status_code == 409
    assert server.client().get("/status/acme/api/v2/incidents.json").json()["incidents"] == []


def test_two_open_incidents_are_both_shown(server: Server, admin: httpx2.Client):
    furnish(admin)
    for name in ("Slow API", "Broken images"):
        admin.post(f"/api/incidents/{declare(admin)}/publish", json={"name": name})

    page = server.client().get("/status/acme").text

    assert "Slow API" in page and "Broken images" in page and "Open incidents" in page


def test_a_hidden_section_is_absent_everywhere(server: Server, admin: httpx2.Client):
    furnish(admin)
    admin.post(f"/api/incidents/{declare(admin)}/publish", json={"name": "Slow API"})
    now = server.world.clock.now()
    window = {"name": "Upgrade", "starts_at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "ends_at": "2027-01-01T00:00:00Z"}
    assert admin.post("/api/status/maintenance", json=window).status_code == 201
    visitor = server.client()
    for section, words in (("incidents", "Slow API"), ("maintenance", "Upgrade"), ("components", "Website")):
        left = [each for each in ("incidents", "maintenance", "components", "history") if each != section]
        form = {"name": "Acme status", "components": ["api", "web"], "sections": left}
        assert admin.put("/api/status/pages/acme", json=form).status_code == 200

        for path in ("", "/history.atom", "/history.rss", "/api/v2/summary.json", "/api/v2/components.json"):
            assert words not in visitor.get(f"/status/acme{path}").text, (section, path)


def test_the_order_of_sections_is_the_pages_own(server: Server, admin: httpx2.Client):
    furnish(admin)
    form = {"name": "Acme", "components": ["api"], "sections": ["history", "components"]}
    admin.put("/api/status/pages/acme", json=form)

    page = server.client().get("/status/acme").text

    assert page.index('id="past"') < page.index('id="components"')
    assert 'id="subscribe"' not in page


def test_the_time_zone_is_remembered_and_shown(server: Server, admin: httpx2.Client):
    furnish(admin)
    admin.post(f"/api/incidents/{declare(admin)}/publish", json={"name": "Slow API"})
    seen = {}
    for zone in ("Pacific/Auckland", "Europe/Berlin", "Pacific/Pago_Pago"):
        visitor = server.client()
        answer = visitor.post("/status/acme/zone", data={"zone": zone})
        assert answer.status_code == 303
        seen[zone] = re.findall(r'<time datetime="2026-11-23T03:00:00Z">([^<]+)', visitor.get("/status/acme").text)[0]

    assert seen == {
        "Pacific/Auckland": "23 Nov 2026, 16:00 NZDT",
        "Europe/Berlin": "23 Nov 2026, 04:00 CET",
        "Pacific/Pago_Pago": "22 Nov 2026, 16:00 SST",
    }
    assert server.client().post("/status/acme/zone", data={"zone": "Moon/Sea"}).status_code == 400


def test_a_page_is_kept_until_something_changes(server: Server, admin: httpx2.Client):
    furnish(admin)
    visitor = server.client()
    first = visitor.get("/status/acme")
    again = visitor.get("/status/acme", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")

    admin.post("/api/status/components/web/report", json={"state": "major_outage"})

    changed = visitor.get("/status/acme", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200 and "Website is down." in changed.text


def test_maintenance_is_shown_before_during_and_after(server: Server, admin: httpx2.Client):
    furnish(admin)
    starts = T0 + timedelta(hours=1)
    form = {
        "name": "Database upgrade",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
        "components": ["api"],
        "text": "Some requests may fail.",
    }
    assert admin.post("/api/status/maintenance", json=form).status_code == 201
    visitor = server.client()
    seen = []
    for step in (0, 90, 60):
        server.world.clock.advance(timedelta(minutes=step))
        found = visitor.get("/status/acme/api/v2/scheduled-maintenances.json").json()["scheduled_maintenances"]
        seen.append((found[0]["status"], component(visitor, "api")["status"]))
        assert "Database upgrade" in visitor.get("/status/acme").text

    assert seen == [("scheduled", "operational"), ("in_progress", "under_maintenance"), ("completed", "operational")]


def test_a_private_page_is_for_its_token_and_for_who_is_signed_in(server: Server, admin: httpx2.Client):
    furnish(admin)
    token = admin.post("/api/status/pages/acme/token").json()["token"]
    stranger = server.client()
    for path in ("", "/history", "/history.atom", "/api/v2/summary.json", "/incidents/x", "/nothing"):
        answer = stranger.get(f"/status/acme{path}")
        assert answer.status_code == 401 and "Acme" not in answer.text and "API" not in answer.text
    assert stranger.get("/status/acme?token=wrong").status_code == 401

    assert stranger.get(f"/status/acme/api/v2/summary.json?token={token}").status_code == 200
    assert stranger.get("/status/acme").status_code == 401  # what one reader may see is kept for nobody else
    assert admin.get("/status/acme").status_code == 200
    assert stranger.post("/status/acme/zone", data={"token": token}).status_code == 303
    answer = stranger.get("/status/acme")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "private, no-store"


def test_several_pages_and_one_default(server: Server, admin: httpx2.Client):
    furnish(admin)
    admin.put("/api/status/pages/partners", json={"name": "Partners", "components": ["web"]})
    admin.post(f"/api/incidents/{declare(admin)}/publish", json={"name": "Partner feed", "pages": ["partners"]})
    visitor = server.client()

    assert "Partner feed" in visitor.get("/status/partners").text
    assert "Partner feed" not in visitor.get("/status/acme").text
    assert visitor.get("/status").text == visitor.get("/status/acme").text
    assert visitor.get("/api/v2/status.json").json()["page"]["id"] == "acme"
    assert visitor.get("/status/nobody").status_code == 404
    admin.put("/api/status/pages/partners", json={"name": "Partners", "components": ["web"], "default": True})
    assert visitor.get("/api/v2/status.json").json()["page"]["id"] == "partners"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "x", "theme": {"ink": "red;} body{display:none"}}, "theme.ink"),
        ({"name": "x", "theme": {"ink": "url(https://evil.example)"}}, "theme.ink"),
        ({"name": "x", "theme": {"font": "#fff"}}, "theme"),
        ({"name": "x", "url": "javascript:alert(1)"}, "url"),
        ({"name": "x", "time_zone": "Europe"}, "time_zone"),
        ({"name": "x", "components": ["nobody"]}, "components"),
        ({"name": ""}, "name"),
    ],
)
def test_a_page_that_cannot_be_is_refused_with_the_field(admin: httpx2.Client, form: dict[str, Any], field: str):
    answer = admin.put("/api/status/pages/acme", json=form)

    assert answer.status_code in (400, 404) and field in answer.text


def test_colours_and_logo_are_the_pages_own(server: Server, admin: httpx2.Client):
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    form = {"name": "Acme", "theme": {"accent": "#0b57d0", "dark-accent": "#a8c7fa"}}
    admin.put("/api/status/pages/acme", json=form)
    assert admin.put("/api/status/pages/acme/logo", json={"data": png}).status_code == 204
    assert admin.put("/api/status/pages/acme/logo", json={"data": "PHN2Zz48L3N2Zz4="}).status_code == 400
    visitor = server.client()

    page = visitor.get("/status/acme").text

    assert "--accent:#0b57d0" in page and "--accent:#a8c7fa" in page
    address = re.findall(r'<img src="([^"]+)" alt="">', page)[0]
    assert visitor.get(address).headers["content-type"] == "image/png"
    assert f'<link rel="icon" href="{address}">' in page


def test_the_guides_own_form_is_public_at_once(server: Server, admin: httpx2.Client):
    form = {"name": "Payments fail", "status": "identified", "impact": "major", "body": "We roll back."}
    made = admin.post("/api/incidents", json=form)
    assert made.status_code == 201

    (shown,) = server.client().get("/status/api/v2/incidents/unresolved.json").json()["incidents"]

    assert (shown["name"], shown["status"], shown["impact"]) == ("Payments fail", "identified", "major")
    assert [each["body"] for each in shown["incident_updates"]] == ["We roll back."]


def test_the_one_line_update_finds_its_incident(server: Server, admin: httpx2.Client):
    furnish(admin)
    refused = admin.post("/api/status/update", json={"text": "We know."})
    assert refused.status_code == 400 and "none is open" in refused.text
    declare(admin)

    first = admin.post("/api/status/update", json={"text": "We know."})
    second = admin.post("/api/status/update", json={"text": "It is over.", "status": "resolved"})

    assert first.json()["name"] == "Problem with API"
    assert second.json()["status"] == "resolved"
    declare(admin), declare(admin)
    several = admin.post("/api/status/update", json={"text": "We know."})
    assert several.status_code == 400 and "INC-" in several.text


def test_feeds_validate_and_hold_every_public_update(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident = declare(admin)
    admin.post(f"/api/incidents/{incident}/publish", json={"name": "Slow API"})
    for n in range(3):
        server.world.clock.advance(timedelta(minutes=1))
        admin.post(f"/api/incidents/{incident}/post-update", json={"text": f"word {n} & <more>", "audience": "public"})
    visitor = server.client()

    atom = ElementTree.fromstring(visitor.get("/history.atom").content)
    rss = ElementTree.fromstring(visitor.get("/status/acme/history.rss").content)

    for name in ("id", "title", "updated", "author/{http://www.w3.org/2005/Atom}name"):
        assert atom.findtext(ATOM + name), name
    (entry,) = atom.findall(f"{ATOM}entry")
    for name in ("id", "title", "updated", "published", "content"):
        assert entry.findtext(ATOM + name), name
    assert datetime.fromisoformat(str(entry.findtext(f"{ATOM}updated"))).tzinfo
    texts = [str(entry.findtext(f"{ATOM}content")), str(rss.findtext("channel/item/description"))]
    assert all(f"word {n}" in text for n in range(3) for text in texts)
    assert rss.findtext("channel/item/guid") == entry.findtext(f"{ATOM}id")


@pytest.mark.parametrize("path", ["/status/acme", "/api/v2/summary.json"])
def test_head_and_compression(server: Server, admin: httpx2.Client, path: str):
    furnish(admin)
    visitor = server.client()
    head, plain = visitor.head(path), visitor.get(path, headers={"Accept-Encoding": "identity"})

    assert head.status_code == 200 and head.content == b""
    assert "content-encoding" not in plain.headers
    packed = visitor.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.content == plain.content
    assert len(plain.content) < 30_000


def test_a_page_of_twelve_components_is_a_first_visit_under_30_kb(server: Server, admin: httpx2.Client):
    furnish(admin)
    for n in range(10):
        admin.put(f"/api/status/components/c{n}?page=acme", json={"name": f"Component {n}"})
    for n in range(12):
        admin.post(f"/api/status/components/c{n % 10}/report", json={"state": "degraded_performance"})
    incident = declare(admin)
    admin.post(f"/api/incidents/{incident}/post-update", json={"text": "word " * 200, "audience": "public"})

    shown = server.client().get("/status/acme", headers={"Accept-Encoding": "identity"}).text

    assert shown.count('<svg class="bars"') == 12
    assert len(shown.encode()) < 30_000
    assert not re.search(r"<script|<link[^>]+stylesheet|<img|@import|url\(", shown)  # and it needs nothing else


@pytest.mark.parametrize(
    "path",
    [
        "/status/acme/%00",
        "/status/acme/../../etc/passwd",
        "/status/acme/api/v2/%2e%2e.json",
        "/status/acme/history?month=9999-99",
        "/status/acme/incidents/",
        "/status/" + "a" * 5000,
        "/api/v2/nothing.json",
    ],
)
def test_odd_addresses_are_not_found(server: Server, admin: httpx2.Client, path: str):
    furnish(admin)

    assert server.client().get(path).status_code == 404


def test_responders_see_what_is_public_and_what_providers_say(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident = declare(admin)
    reference = admin.get(f"/api/incidents/{incident}").json()["reference"]
    form = {"url": "https://www.cloud.example", "name": "Cloud", "services": ["checkout"]}
    assert admin.put("/api/status/providers/cloud", json=form).status_code == 200
    said = '{"status":{"indicator":"major","description":"Partial Outage"},"incidents":[{"name":"<b>DNS</b>"}]}'
    server.world.fetched["https://www.cloud.example/api/v2/summary.json"] = said.encode()
    server.world.look_at_providers()

    before = admin.get(f"/incidents/{reference}").text
    admin.post(f"/incidents/{reference}/publish", data={"name": "Slow API"})
    after = admin.get(f"/incidents/{reference}").text

    assert "Not public." in before and "Partial Outage" in before and "&lt;b&gt;DNS" in before
    assert "Slow API" in after and f"/status/acme/incidents/{incident}" in after
    assert admin.get("/api/status/providers").json()["items"][0]["troubled"]
    assert "Cloud" not in server.client().get("/status/acme").text
