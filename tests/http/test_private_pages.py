"""Private incidents on the pages: declared so, named, opened up, by forms that need no scripts."""

from __future__ import annotations

import re
from html import unescape

import httpx2
import msgspec

from tests.http.world import Server
from tocsin.core.people import Team
from tocsin.http import auth


def browser(server: Server, person: str, role: auth.Spoken) -> httpx2.Client:
    issued = auth.issue(person, role, server.world.clock.now())
    server.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    return server.client(Cookie=f"{auth.COOKIE}={issued.text}", Origin=server.url)


def declared(client: httpx2.Client, **more: str) -> str:
    key = re.findall(r'name="key" value="([^"]+)"', client.get("/declare").text)[0]
    form = {"key": key, "title": "Leak", "severity": "SEV-3", "service": "checkout"}
    answer = client.post("/declare", data=form | more, follow_redirects=False)
    return answer.headers["location"]


def test_the_form_declares_a_private_incident(server: Server):
    ben = browser(server, "ben", "responder")

    path = declared(ben, private="true")

    assert "Private: Ben Okoro" in ben.get(path).text
    assert '<span class="tag">Private</span>' in ben.get("/").text
    assert browser(server, "cleo", "owner").get(path).status_code == 404


def test_whoever_may_names_people_and_teams_and_opens_it_up_again(server: Server):
    team = msgspec.json.encode(Team(id="security", name="Security", members=("dora",)))
    server.world.do(lambda store: store.put("default", "team", "security", team))
    cleo, dora = browser(server, "cleo", "commander"), browser(server, "dora", "viewer")
    path = declared(cleo)
    assert "Everybody who may see incidents" in cleo.get(path).text

    form = {"people": ["ben", "ana"], "teams": "security", "because": "customer data"}
    assert cleo.post(f"{path}/restrict", data=form, follow_redirects=False).status_code == 303

    shown = cleo.get(path).text
    assert "Ben Okoro, Ana Ivanova" in shown and "team security" in shown
    assert re.search(r'name="people" value="ben" checked', shown)
    assert re.search(r'name="teams" value="security" checked', shown)
    assert dora.get(path).status_code == 200
    cleo.post(f"{path}/restrict", data={"people": "ben", "because": "the team is not needed"})
    assert dora.get(path).status_code == 404

    cleo.post(f"{path}/lift-restriction", data={"because": "no leak"})
    assert dora.get(path).status_code == 200
    assert "Everybody who may see incidents" in dora.get(path).text


def test_who_may_not_is_not_offered_it_and_is_refused(server: Server):
    cleo, ben = browser(server, "cleo", "commander"), browser(server, "ben", "responder")
    path = declared(cleo)

    assert "do-restrict" not in ben.get(path).text
    assert ben.post(f"{path}/restrict", data={"because": "mine"}).status_code == 403
    cleo.post(f"{path}/assign-role", data={"role": "Incident Commander", "person": "ben"})
    assert "do-restrict" in ben.get(path).text
    assert ben.post(f"{path}/restrict", data={"because": "mine"}, follow_redirects=False).status_code == 303


def test_a_name_that_nobody_has_is_refused_in_words(server: Server):
    cleo = browser(server, "cleo", "commander")
    path = declared(cleo)

    answer = cleo.post(f"{path}/restrict", data={"people": ["ben", "mallory"], "because": "why"})

    assert answer.status_code == 400
    assert "People: expected people and teams that are known, got 'mallory'" in unescape(answer.text)
