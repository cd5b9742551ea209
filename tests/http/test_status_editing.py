"""The public pages as their editors see them: everything by plain forms, by those who may."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.http.test_status_page import SECRET, admin, declare, furnish
from tests.http.world import Server

__all__ = ["admin"]
HERE = "/status-pages/acme"


def post(browser: httpx2.Client, path: str, **fields: str) -> httpx2.Response:
    answer = browser.post(path, data=fields, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer


def test_before_anybody_made_a_page_there_is_one_to_begin_with(server: Server, admin: httpx2.Client):
    shown = admin.get("/status-pages").text
    (here,) = set(re.findall(r'action="(/status-pages/[a-z-]+)/component"', shown))

    post(admin, f"{here}/component", name="Checkout API", services="checkout")

    assert "Checkout API" in server.client().get("/status").text
    assert "checkout-api" in admin.get("/status-pages").text


def test_a_component_is_reported_changed_grouped_and_removed(server: Server, admin: httpx2.Client):
    furnish(admin)
    post(admin, f"{HERE}/component/web/report", state="partial_outage")
    assert "Website is partly down." in server.client().get("/status/acme").text

    post(admin, f"{HERE}/group", name="For customers", components="web")
    post(admin, f"{HERE}/component", id="web", name="Shop", services="shop, cart", group="for-customers")
    shown = admin.get(HERE).text
    assert "For customers" in shown and "<strong>Shop</strong>" in shown and "shop, cart" in shown
    assert admin.get("/api/status/pages").json()["items"][0]["components"][1]["name"] == "Shop"

    post(admin, f"{HERE}/group/for-customers/remove")
    post(admin, f"{HERE}/component/web/remove")
    assert "Shop" not in admin.get(HERE).text


def test_an_incident_is_put_on_the_page_told_of_and_resolved(server: Server, admin: httpx2.Client):
    furnish(admin)
    incident = declare(admin)
    reference = admin.get(f"/api/incidents/{incident}").json()["reference"]
    shown = admin.get(HERE).text
    assert f'<a href="/incidents/{reference}">{reference}</a>' in shown  # open, of the page's services, on no page

    post(
        admin, f"{HERE}/update", incident=reference, name="Payments fail", text="We are looking.", components="web",
        state="major_outage",
    )  # fmt: skip
    public = server.client().get("/status/acme").text
    assert "Payments fail" in public and "We are looking." in public and SECRET not in public
    shown = admin.get(HERE).text
    assert "Payments fail" in shown and "Major outage" in shown
    assert '<option value="operational" selected>' in shown  # what an incident makes of it is not said again by hand
    (stream,) = re.findall(r'name="incident" value="([^"]+)"', shown)
    post(admin, f"{HERE}/update", incident=stream, text="It is over.", status="resolved")

    assert admin.get(f"/api/incidents/{incident}").json()["status"] == "resolved"
    assert "<h3>Payments fail" not in admin.get(HERE).text


def test_maintenance_is_announced_in_the_zone_of_the_page_moved_on_and_withdrawn(server: Server, admin: httpx2.Client):
    furnish(admin)
    post(admin, f"{HERE}/settings", name="Acme status", time_zone="Europe/Berlin", hidden_from_search="on")
    post(
        admin, f"{HERE}/maintenance", name="Database upgrade", starts_at="2026-11-24T01:30", ends_at="2026-11-24T03:00",
        components="api", text="Some requests may fail.",
    )  # fmt: skip
    (window,) = admin.get("/api/status/maintenance").json()["items"]
    assert (window["starts_at"], window["components"]) == ("2026-11-24T00:30:00Z", ["api"])

    post(admin, f"{HERE}/maintenance/{window['id']}/update", text="It begins early.", status="in_progress")
    assert "in progress" in admin.get(HERE).text
    post(admin, f"{HERE}/maintenance/{window['id']}/remove")
    assert "None is announced." in admin.get(HERE).text


def test_subscribers_are_counted_never_named(server: Server, admin: httpx2.Client):
    furnish(admin)
    page = server.world.board.known.pages[0]
    people = server.world.subscribers
    server.world.do(lambda _: people.subscribe(page, "email", "cleo@example.org", confirmed=True))
    server.world.do(lambda _: people.subscribe(page, "email", "dora@example.org"))

    shown = admin.get(HERE).text

    assert "1 by e-mail, 0 by webhook, 1 not confirmed yet" in shown
    assert "cleo@" not in shown


def test_a_page_is_made_and_made_private_with_a_token_that_is_shown_once(server: Server, admin: httpx2.Client):
    furnish(admin)
    made = post(admin, "/status-pages", name="For partners", time_zone="UTC")
    assert made.headers["location"] == "/status-pages/for-partners"

    told = admin.post("/status-pages/for-partners/token").text
    (token,) = re.findall(r"/status/for-partners\?token=([\w-]+)", told)
    assert server.client().get(f"/status/for-partners?token={token}", follow_redirects=True).status_code == 200
    assert server.client().get("/status/for-partners").status_code in (401, 403, 404)
    assert token not in admin.get("/status-pages/for-partners").text

    post(admin, "/status-pages/for-partners/remove")
    assert admin.get("/status-pages/for-partners").status_code == 404


def test_a_responder_says_how_it_stands_and_changes_no_page(server: Server, admin: httpx2.Client):
    furnish(admin)
    responder = server.client(server.world.token("responder", "ben"))

    shown = responder.get(HERE).text
    assert "Announce maintenance" in shown and "Add a component" not in shown and "Settings" not in shown
    post(responder, f"{HERE}/component/api/report", state="operational")
    for path in ("component", "settings", "token", "remove", "group", "component/api/remove"):
        assert responder.post(f"{HERE}/{path}", data={"name": "X"}).status_code == 403


def test_a_viewer_sees_it_and_says_nothing(server: Server, admin: httpx2.Client):
    furnish(admin)
    viewer = server.client(server.world.token("viewer", "cleo"))

    shown = viewer.get(HERE)
    assert shown.status_code == 200 and "<form" not in shown.text.partition("<main")[2]
    assert viewer.post(f"{HERE}/component/api/report", data={"state": "operational"}).status_code == 403
    assert server.client().get(HERE, follow_redirects=False).status_code == 303  # to sign in


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        (
            "maintenance",
            {"name": "x", "starts_at": "soon", "ends_at": "2026-11-24T03:00"},
            "starts_at: expected a time",
        ),
        ("component/api/report", {"state": "fine"}, "state"),
        ("update", {"incident": "INC-2026-999", "text": "x"}, "INC-2026-999"),
        ("settings", {"name": "x", "time_zone": "Mars/Base"}, "time_zone: expected an IANA zone"),
        ("group", {"components": "api"}, "name: expected 1 to"),
    ],
)
def test_a_form_that_is_wrong_says_which_field(admin: httpx2.Client, path: str, fields: dict[str, str], said: str):
    furnish(admin)

    answer = admin.post(f"{HERE}/{path}", data=fields)

    assert answer.status_code in (400, 404) and said.casefold() in answer.text.casefold()
    assert f'href="{HERE}"' in answer.text or answer.status_code == 404  # the way back
    assert "Traceback" not in answer.text
