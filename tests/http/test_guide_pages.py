"""What the guide says, on the pages: on the incident, whole for the incident, and the guide by itself. No scripts."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from html import unescape

import httpx2
import msgspec
import pytest

from tests.core.test_briefing import of_guide
from tests.http.guided import GUIDED, guide
from tests.http.test_api_pages import browser
from tests.http.world import Server
from tocsin.core.people import Person
from tocsin.core.policy import Deadline, Template
from tocsin.web.render import dialled

PAGE = "/incidents/INC-2026-001"


def declared(server: Server, **more: object) -> httpx2.Client:
    page = browser(server)
    said = {"title": "Checkout is down", "severity": "SEV-1", "service": "checkout", **more}
    api = server.client(server.world.token("responder", "ana"))
    api.post("/api/incidents", json=said).raise_for_status()
    return page


def text_of(page: httpx2.Client, path: str) -> str:
    answer = page.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return unescape(re.sub(r"\s+", " ", answer.text))


def test_the_incident_page_says_what_is_to_be_done_now(guided: Server):
    page = declared(guided)

    text = text_of(page, PAGE)

    assert "What the guide says" in text
    assert re.search(r'<details class="fold phase is-current" id="guide-phase-1-now" open>', text)
    assert "Know what is broken" in text and "guide line 11" in text
    assert 'aria-label="Done: Look at the graphs"' in text and 'aria-label="Begin: Check the pods"' in text
    assert "Phase 2: Containment" in text and "Done: Stop the rollout" not in text  # one click away
    assert f'href="{PAGE}/guide#phase-2"' in text
    assert "it names checkout; the title says checkout" in text
    assert "tocsin run --incident INC-2026-001 -- redis-cli FLUSHALL" in text
    assert "<strong>Danger:</strong> it cannot be taken back" in text
    assert f'href="{PAGE}/guide#runbook-2"' in text and "Network Diagnosis" in text
    assert "Is it down?" in text
    assert '<a href="tel:+15550109999">' in text and "Premium Support" in text
    assert "tel:+1-xxx" not in text and "+1-xxx" in text
    assert 'href="https://graphs.example/d/1"' in text
    assert 'href="javascript:' not in text


def test_everything_of_the_guide_is_on_the_page_behind_it(guided: Server):
    page = declared(guided)

    text = text_of(page, f"{PAGE}/guide")

    for phase in GUIDED.phases:
        assert all(f'aria-label="Done: {step.text}"' in text for step in phase.steps)
    for book in GUIDED.runbooks:
        assert all(step.text in text for step in book.steps)
        assert all(command.code in text for step in book.steps for command in step.commands)
    for anchor in ("phase-1", "phase-2", "runbook-1", "runbook-2", "questions", "roles"):
        assert f'id="{anchor}"' in text
    assert "<b>up</b>" not in page.get(f"{PAGE}/guide").text  # a guide's text is only text


def test_a_step_is_done_by_a_plain_form_and_says_who_and_when(guided: Server):
    page = declared(guided)
    form = {"phase": "Phase 1: Detection", "item": "Look at the graphs"}

    answer = page.post(f"{PAGE}/finish-item", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    text = text_of(page, PAGE)
    assert re.search(r"done · Ana Ivanova <time", text)
    assert "1 of 2 done" in text
    assert 'aria-label="Not yet: Look at the graphs"' in text
    page.post(f"{PAGE}/begin-item", data=form)
    assert "Ana Ivanova is on it since" in text_of(page, PAGE)


def test_the_next_phase_opens_when_one_is_finished(guided: Server):
    page = declared(guided)

    page.post(f"{PAGE}/finish-phase", data={"phase": "Phase 1: Detection"})

    text = text_of(page, PAGE)
    assert 'id="guide-phase-2-now" open' in text and 'aria-label="Done: Stop the rollout"' in text
    assert f'href="{PAGE}/guide#phase-1"' in text


def test_the_tree_is_answered_with_a_button_and_sets_the_severity(guided: Server):
    page = declared(guided)

    page.post(f"{PAGE}/assess", data={"question": "Is it down?", "answer": "yes"})

    assert page.get("/api/incidents/INC-2026-001").json()["severity"] == "SEV-0"
    assert "1 of 2 questions answered" in text_of(page, PAGE)


def test_whoever_has_a_role_sees_its_duties(guided: Server):
    page = declared(guided)
    page.post(f"{PAGE}/assign-role", data={"role": "Incident Commander", "person": "ana"})

    mine, bens = text_of(page, PAGE), text_of(browser(guided, "responder", "ben"), PAGE)

    assert "<strong>Incident Commander</strong>: you" in mine and "Decides in the end" in mine
    assert "<strong>Incident Commander</strong>: Ana Ivanova" in bens
    assert re.search(r"Nobody has: <a [^>]+>Scribe</a>", mine)


def test_a_category_brings_its_runbook(guided: Server):
    page = declared(guided, title="Orders fail", service="orders")
    before = text_of(page, PAGE)
    assert "Runbooks that fit" not in before
    kinds = re.search(r'action="[^"]+/set-category".*?</form>', before)
    assert kinds and re.findall(r'<option value="([^"]*)"', kinds[0]) == ["", "Application", "Network"]

    page.post(f"{PAGE}/set-category", data={"category": "Application"})

    after = text_of(page, PAGE)
    assert "the category is Application" in after
    assert '<option value="Application" selected>' in after


def test_whoever_only_looks_on_and_whoever_comes_late_has_no_buttons(guided: Server):
    page = declared(guided)
    for path in (PAGE, f"{PAGE}/guide"):
        text = text_of(browser(guided, "viewer", "vera"), path)
        assert "Look at the graphs" in text and "Done: Look at the graphs" not in text

    page.post(f"{PAGE}/resolve")
    assert "Done: Look at the graphs" in text_of(page, PAGE)  # what is left to do after the end
    page.post(f"{PAGE}/close")
    assert "Done: Look at the graphs" not in text_of(page, PAGE)


def test_a_private_incident_of_others_shows_nothing_of_it(guided: Server):
    declared(guided, title="Leak", private=True)

    for role in ("viewer", "administrator", "owner"):
        answer = browser(guided, role, "cleo").get(f"{PAGE}/guide")
        assert answer.status_code == 404
        assert "Leak" not in answer.text and "Detection" not in answer.text


def test_a_guide_that_says_nothing_takes_no_place(server: Server):
    server.world.alert("Checkout is down", key="k")

    assert "What the guide says" not in browser(server).get(PAGE).text
    assert browser(server).get(f"{PAGE}/guide").status_code == 200


def test_the_link_to_the_guide_leads_to_a_page_that_people_can_read(guided: Server):
    page = declared(guided)
    digest = page.get("/api/incidents/INC-2026-001").json()["policy_digest"]
    link = f"/guides/main?edition={digest}"
    assert f'<dd><a href="{link}">main</a></dd>' in text_of(page, PAGE)

    text = text_of(page, link)

    assert "Guided response" in text and "in force" in text
    said = [step.text for each in (*GUIDED.phases, *GUIDED.runbooks) for step in each.steps]
    said += [command.code for each in GUIDED.runbooks for step in each.steps for command in step.commands]
    said += ["uptime", "Decides in the end", "Premium Support", "Is it down?", "customer data at risk", "a summary"]
    assert [each for each in said if each not in text] == []
    assert f'href="/api/policies/{digest}"' in text
    assert page.get(f"/api/policies/{digest}").json()["title"] == "Guided response"


def test_an_edition_that_is_not_in_force_says_so_and_leads_to_the_one_that_is(guided: Server):
    page = declared(guided)
    digest = page.get("/api/incidents/INC-2026-001").json()["policy_digest"]
    guide(
        guided.world, msgspec.structs.replace(GUIDED, title="Newer", templates=(Template(title="T", body="<i>x</i>"),))
    )

    old, new = text_of(page, f"/guides/main?edition={digest}"), page.get("/guides/main").text

    assert "an edition that is not in force" in old and 'href="/guides/main"' in old and "Guided response" in old
    assert "Newer" in new and "&lt;i&gt;x&lt;/i&gt;" in new and "<i>x</i>" not in new


def test_the_guides_in_force_are_listed_and_what_is_not_there_is_not_found(guided: Server):
    page = browser(guided, "viewer", "vera")
    guided.world.do(lambda _: guided.world.engine.guides.activate("default", "b guide", GUIDED))

    assert 'href="/guides/main"' in page.get("/guides").text
    assert 'href="/guides/b%20guide"' in page.get("/guides").text
    assert "Guided response" in page.get("/guides/b%20guide").text
    assert page.get("/guides/nix").status_code == 404
    assert page.get("/guides/main?edition=nix").status_code == 404


@pytest.mark.needs("shared")
@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
def test_the_page_of_a_large_guide_stays_small(server: Server, number: str):
    """It is drawn anew with every fact: the part about the guide may not double what it was."""
    guide(server.world, of_guide(number))
    api = server.client(server.world.token())
    opened = api.post("/api/incidents", json={"title": "Database is slow"}).json()

    for path, most in (
        (f"/incidents/{opened['reference']}", 14_000),
        (f"/incidents/{opened['reference']}/guide", 22_000),
    ):
        answer = browser(server).get(path)
        assert answer.status_code == 200
        assert len(gzip.compress(answer.content, 5)) < most, path


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("+1 (555) 010-9999", "+15550109999"),
        ("112", "112"),
        ("+1-xxx-xxx-xxxx", ""),
        ("ask the desk", ""),
        ("12", ""),
        ("+49.30.1234 567", "+49301234567"),
    ],
)
def test_only_a_number_is_dialled(printed: str, number: str):
    assert dialled(printed) == number


def test_the_list_finds_incidents_of_one_kind_and_keeps_the_choice(guided: Server):
    page = declared(guided, category="Application")
    declared(guided, title="Cards fail", category="Network")

    text = text_of(page, "/?category=Application").split('id="ended-title"')[1]

    assert "Checkout is down" in text and "Cards fail" not in text
    assert "<option selected>Application</option>" in text and "<option >Network</option>" in text
    assert "Nothing matches." in text_of(page, "/?category=%3Cb%3E") and "<option selected><b>" not in text
    assert "&lt;b&gt;" in page.get("/?category=%3Cb%3E").text


def test_a_promise_that_the_end_waived_says_why(server: Server):
    page = declared(server)
    api = server.client(server.world.token("responder", "ana"))
    api.post("/api/incidents/INC-2026-001/resolve", json={}).raise_for_status()

    waived = [each for each in api.get("/api/incidents/INC-2026-001").json()["promises"] if each["state"] == "waived"]
    text = text_of(page, PAGE)

    assert waived and text.count("the incident was over before it was due") == len(waived)


def test_a_phase_whose_window_has_ended_says_so_until_its_steps_are_done(guided: Server):
    first = msgspec.structs.replace(GUIDED.phases[0], ends=Deadline(seconds=900))
    guide(guided.world, msgspec.structs.replace(GUIDED, phases=(first, *GUIDED.phases[1:])))
    page = declared(guided)
    before = text_of(page, PAGE)
    guided.world.clock.advance(timedelta(minutes=16))

    late = text_of(page, PAGE)
    for item in ("Look at the graphs", "Check the pods"):
        page.post(f"{PAGE}/finish-item", data={"phase": "Phase 1: Detection", "item": item})

    assert "time over since" not in before and "until" in before
    assert "time over since" in late
    assert "time over since" not in text_of(page, PAGE)


def test_people_whom_the_guide_prints_are_offered_to_the_directory(guided: Server):
    viewer = guided.client(guided.world.token("viewer"))

    found = viewer.get("/api/guides/main/contacts").json()["items"]

    assert [(each["name"], each["person"]) for each in found] == [("Dana", None)]
    assert found[0]["run"][:6] == ["tocsin", "person", "add", "dana", "--name", "Dana"]
    assert "tocsin guide contacts main" in text_of(browser(guided), "/guides/main")
    assert viewer.get("/api/guides/nobody/contacts").status_code == 404
    person = msgspec.json.encode(Person(id="dana", roles=("DBA",)))
    guided.world.do(
        lambda store: (store.put("default", "person", "dana", person), guided.world.engine.guides.changed("default"))
    )
    assert viewer.get("/api/guides/main/contacts").json()["items"][0]["run"] == []
    assert "tocsin guide contacts" not in text_of(browser(guided), "/guides/main")


def test_a_promise_that_was_kept_says_when_it_was_kept(guided: Server):
    page = declared(guided)
    guided.world.clock.advance(timedelta(minutes=2))
    page.post(f"{PAGE}/acknowledge")

    respond = text_of(page, PAGE).split("Respond")[1].split("</li>")[0]

    assert "kept" in respond and "03:02 UTC" in respond
