"""The pages as plain HTML: everything works without scripts."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest

import tocsin
from tests.http.world import T0, Server
from tocsin.core import commands as c
from tocsin.core.people import Person
from tocsin.http import auth
from tocsin.ports import Receipt
from tocsin.web.render import ago, initials, short, span, spell, until

WEB = Path(tocsin.__file__).parent / "web"


def browser(server: Server, role: auth.Spoken = "admin", person: str = "ana") -> httpx2.Client:
    issued = auth.issue(person, role, server.world.clock.now())
    server.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    return server.client(Cookie=f"{auth.COOKIE}={issued.text}")


def test_a_stranger_is_sent_to_sign_in(server: Server):
    answer = server.client().get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "tocsin token link" in server.client().get("/sign-in").text


def test_the_list_says_what_is_open_worst_first_and_who_has_it(server: Server):
    world = server.world
    mild = world.alert("Search is slow", key="k1", severity="SEV-2")
    world.alert("Checkout is down", key="k2", severity="SEV-0")
    world.do(lambda _: world.engine.handle("default", mild, c.Acknowledge(by="ben")))

    text = browser(server).get("/").text

    assert text.index("Checkout is down") < text.index("Search is slow")
    assert "(1) Incidents" in text
    assert "Nobody has it" in text
    assert "Ben Okoro has it" in text
    assert "5:00 left" in text


def test_an_incident_is_acknowledged_by_a_plain_form(server: Server):
    server.world.alert("Checkout is down", key="k")
    page = browser(server)

    answer = page.post("/incidents/INC-2026-001/acknowledge")

    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/INC-2026-001")
    incident = page.get("/api/incidents/INC-2026-001").json()
    assert incident["acknowledged_by"] == "ana"
    timeline = page.get("/api/incidents/INC-2026-001/timeline").json()["items"]
    assert next(each for each in timeline if each["kind"] == "Acknowledged")["data"]["via"] == "web"


@pytest.mark.parametrize(
    ("tag", "fields", "shown"),
    [
        ("post-update", {"text": "We are on it", "audience": "customers", "status": ""}, "We are on it"),
        ("escalate", {"because": "it grows", "trigger": "customer data at risk"}, "customer data at risk - it grows"),
        ("resolve", {"because": ""}, "Resolved"),
        ("add-note", {"text": "line one\r\nline two", "private": "true"}, "line one\nline two"),
        ("change-severity", {"severity": "SEV-0", "because": "worse"}, "Severity changed from SEV-1 to SEV-0: worse"),
        ("assign-role", {"role": "Incident Commander", "person": "ben"}, "Ben Okoro is Incident Commander"),
        ("snooze", {"for_minutes": "30"}, "Snoozed until 2026-11-23 03:30 UTC"),
        ("set-impact", {"impact": "a third"}, "Impact: a third"),
        ("freeze-deployments", {}, "Deployments frozen for everything"),
        ("mark-false-positive", {}, "Marked as a false positive"),
    ],
)
def test_every_form_of_the_page_does_what_it_says(shared: Server, tag: str, fields: dict[str, str], shown: str):
    page = browser(shared)
    incident = shared.world.alert("Checkout is down", key=tag)
    here = "/incidents/" + page.get(f"/api/incidents/{incident}").json()["reference"]
    assert f'action="{here}/{tag}"' in page.get(here).text

    answer = page.post(f"{here}/{tag}", data=fields)

    assert answer.status_code == 303
    assert shown in page.get(here).text.replace("&#39;", "'")


def test_a_refusal_is_a_page_for_people_and_json_for_scripts(server: Server):
    incident = server.world.alert("Checkout is down", key="k")
    server.world.do(lambda _: server.world.engine.handle("default", incident, c.Resolve(by="ben")))
    page = browser(server)

    shown = page.post("/incidents/INC-2026-001/acknowledge")
    said = page.post("/incidents/INC-2026-001/acknowledge", headers={"Accept": "application/json"})

    assert shown.status_code == said.status_code == 409
    assert "Cannot acknowledge: INC-2026-001 is resolved" in shown.text
    assert 'href="/incidents/INC-2026-001"' in shown.text
    assert said.json()["detail"] == "cannot acknowledge: INC-2026-001 is resolved"


@pytest.mark.parametrize("minutes", ["", "0x1", "99999999", "-5", "1.5"])
def test_a_strange_snooze_is_refused(shared: Server, minutes: str):
    shared.world.alert("Checkout is down", key="k")

    answer = browser(shared).post("/incidents/INC-2026-001/snooze", data={"for_minutes": minutes})

    assert answer.status_code == 400


def test_a_viewer_sees_and_cannot_act(server: Server):
    server.world.alert("Checkout is down", key="k")
    page = browser(server, "viewer", "vera")

    text = page.get("/incidents/INC-2026-001").text

    assert "Acknowledge</button>" not in text
    assert page.post("/incidents/INC-2026-001/acknowledge").status_code == 403
    assert "Declare" not in page.get("/").text


def test_who_was_told_is_visible_with_every_outcome(server: Server):
    world = server.world
    world.alert("Checkout is down", key="k")

    def receive(code: str, detail: str = "") -> None:
        for leased in world.engine.lease():
            world.engine.receive(leased, Receipt(code=code, detail=detail))  # type: ignore[arg-type]

    page = browser(server)
    assert "waits" in page.get("/incidents/INC-2026-001").text
    world.do(lambda _: receive("timeout", "mail.example.org"))
    failed = page.get("/incidents/INC-2026-001").text
    world.clock.advance(timedelta(minutes=2))
    world.do(lambda _: receive("sent"))
    sent = page.get("/incidents/INC-2026-001").text

    assert "timeout: mail.example.org, trying again" in failed
    assert "accepted, attempt 2" in sent


def test_an_alert_row_leads_to_its_runbook_and_says_what_the_alert_says(server: Server):
    server.world.alert("Checkout is slow", key="k")

    page = browser(server).get("/incidents/INC-2026-001").text

    assert '<a href="https://wiki.example/slow?a=1&amp;b=2" rel="noreferrer nofollow">Runbook</a>' in page
    assert "p99 is &lt;b&gt;4 s&lt;/b&gt;" in page
    assert "javascript:" not in page
    assert "u:p@" not in page


def test_declaring_twice_with_one_form_opens_one_incident(server: Server):
    page = browser(server)
    form = page.get("/declare").text
    key = re.search(r'name="key" value="([^"]+)"', form)
    assert key
    fields = {"key": key[1], "title": "Checkout is down", "severity": "SEV-0", "drill": "true"}

    first = page.post("/declare", data=fields)
    second = page.post("/declare", data=fields)

    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"] == "/incidents/INC-2026-001"
    assert page.get("/api/incidents/INC-2026-001").json()["drill"] is True


def test_a_declaration_with_an_error_keeps_what_was_typed(shared: Server):
    answer = browser(shared).post("/declare", data={"title": "  ", "severity": "SEV-0", "description": "it smokes"})

    assert answer.status_code == 422
    assert "it smokes" in answer.text
    assert "expected a few words" in answer.text


def test_search_finds_open_and_ended_ones(server: Server):
    world = server.world
    old = world.alert("Disk fills", key="k1")
    world.do(lambda _: world.engine.handle("default", old, c.Resolve(by="ben")))
    world.alert("Checkout is down", key="k2")
    page = browser(server)

    found = page.get("/?text=Disk").text
    assert "Disk fills" in found
    assert "Found" in found
    assert "Nothing matches" in page.get("/", params={"text": "nix%_"}).text
    assert page.get("/?cursor=nix").status_code == 400


def test_the_directory_adds_people_and_says_whom_words_mean(server: Server):
    page = browser(server)

    page.post("/directory/person", data={"id": "eve", "name": "Eve", "kind": "ntfy", "address": "https://n.example/x"})
    page.post("/directory/binding", data={"id": "on call", "means": "eve, ana"})
    page.post("/directory/person/ben/remove")
    text = page.get("/directory").text

    assert "ntfy · https://n.example/x" in text
    assert page.get("/api/bindings/on call").json() == {"id": "on call", "means": ["eve", "ana"]}
    assert page.get("/api/people/ben").status_code == 404
    assert "nobody" in text  # the guide's level 2 means ben
    bad = page.post("/directory/person", data={"id": "x", "kind": "pigeon", "address": "loft"})
    assert bad.status_code == 400
    assert browser(server, "responder").post("/directory/person", data={"id": "x"}).status_code == 403


def test_static_files_are_kept_for_ever_by_content(shared: Server):
    text = browser(shared).get("/").text
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)

    assert len(links) == 6
    for link in links:
        answer = shared.client().get(link)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    for path in ("/static/nix.js", "/static/../render.py", "/static/%2e%2e/render.py", "/static/"):
        assert shared.client().get(path).status_code == 404


def test_no_page_carries_inline_script_or_style():
    for path in sorted((WEB / "templates").glob("*.html")):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), path.name


def test_vendored_files_are_what_they_say():
    folder = WEB / "static" / "vendor"
    entries = msgspec.json.decode((folder / "VENDOR.json").read_bytes())
    named = {each["file"] for each in entries}

    for each in entries:
        assert hashlib.sha256((folder / each["file"]).read_bytes()).hexdigest() == each["sha256"], each["file"]
        assert each["version"] in each["file"]
        assert (folder / each["license_file"]).read_text().startswith("Zero-Clause BSD")
    assert {path.name for path in folder.glob("*.js")} == named


def test_spans_and_instants_are_short_words():
    minutes = timedelta(minutes=1)

    assert [spell(each * minutes) for each in (0.2, 9.5, 35, 125, 60 * 50)] == [
        "0:12",
        "9:30",
        "35 min",
        "2 h 5 min",
        "2 days",
    ]
    assert until(T0 + 5 * minutes, T0) == "5:00 left"
    assert until(T0 - 65 * minutes, T0) == "1 h 5 min late"
    assert [ago(T0 - each * minutes, T0) for each in (0.5, 1, 9.9, 75)] == [
        "just now",
        "1 min ago",
        "9 min ago",
        "1 h 15 min ago",
    ]
    assert span(T0, T0 + 9 * minutes) == "9 min"
    assert span(T0, T0 - minutes) == "0 s"
    assert short(T0, T0) == "03:00 UTC"
    assert short(T0, T0 + timedelta(days=1)) == "23 Nov 03:00 UTC"
    assert [initials(name) for name in ("Ana Maria Ivanova", "ben", "", "eve@x.org")] == ["AI", "B", "?", "EO"]


def test_a_role_is_offered_to_whoever_is_active_and_to_oneself(server: Server):
    world = server.world
    gone = msgspec.json.encode(Person(id="gone", name="Gone Away", active=False))
    world.do(lambda store: store.put(world.tenant, "person", "gone", gone))
    world.do(lambda _: world.engine.guides.changed(world.tenant))
    page = server.client(world.token("administrator", "admin"))  # of a fresh installation: nobody in the directory
    incident = world.alert("Checkout is down", key="role")
    shown = page.get(f"/incidents/{page.get(f'/api/incidents/{incident}').json()['reference']}").text
    offered = re.findall(r'<option value="(\w+)"', shown.partition("assign-role")[2].partition("</select>")[0])

    assert offered == ["admin", "ana", "ben"]
    taken = page.post(f"/api/incidents/{incident}/assign-role", json={"role": "Scribe", "person": "admin"})
    assert taken.json()["roles"] == {"Scribe": ["admin"]}
