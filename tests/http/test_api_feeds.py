"""Calendar links over HTTP: made, read by calendars, revoked; outside calendars taken over."""

from __future__ import annotations

import icalendar

from tests.http.test_api_schedules import SCHEDULE
from tests.http.world import Server


def test_a_feed_is_read_by_its_link_alone_until_it_is_revoked(server: Server):
    api, anybody = server.client(server.world.token("responder", "ben")), server.client()
    server.client(server.world.token()).put("/api/schedules/primary", json=SCHEDULE)

    made = api.post("/api/feeds", json={"schedule": "primary"})
    assert made.status_code == 201
    feed = made.json()
    shown = anybody.get(feed["url"])

    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/calendar; charset=utf-8"
    found = list(icalendar.Calendar.from_ical(shown.content).walk("VEVENT"))
    assert len(found) > 100 and {"Ana Ivanova: primary", "Ben Okoro: primary"} == {
        str(each["SUMMARY"]) for each in found
    }
    again = anybody.get(feed["url"], headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.post("/api/feeds", json={"schedule": "primary"}).json()["url"] == feed["url"]
    assert anybody.get(feed["url"].replace(feed["id"], "0" * 12)).status_code == 404
    assert anybody.get(feed["url"][:-8] + "0000.ics").status_code == 404
    assert api.delete(f"/api/feeds/{feed['id']}").status_code == 204
    assert anybody.get(feed["url"]).status_code == 404


def test_a_person_has_one_feed_of_all_schedules(server: Server):
    api = server.client(server.world.token())
    api.put("/api/schedules/primary", json=SCHEDULE)
    api.put("/api/schedules/second", json={**SCHEDULE, "id": "second", "layers": [{"user": "Ana Ivanova"}]})

    url = api.post("/api/feeds", json={"person": "ana"}).json()["url"]

    found = {str(each["SUMMARY"]) for each in icalendar.Calendar.from_ical(api.get(url).content).walk("VEVENT")}
    assert found == {"Ana Ivanova: primary", "Ana Ivanova: second"}


def test_somebody_elses_link_is_neither_listed_nor_revoked(server: Server):
    ana, ben = (server.client(server.world.token("responder", who)) for who in ("ana", "ben"))
    feed = ana.post("/api/feeds", json={"person": "ana"}).json()

    assert ben.get("/api/feeds").json()["items"] == []
    assert ben.delete(f"/api/feeds/{feed['id']}").status_code == 403
    assert [each["id"] for each in server.client(server.world.token()).get("/api/feeds").json()["items"]] == [
        feed["id"]
    ]
    for wrong in ({}, {"schedule": "none"}, {"person": "zoe"}, {"person": "ana", "schedule": "x"}):
        assert ana.post("/api/feeds", json=wrong).status_code == 400
    assert ana.delete("/api/feeds/nothing").status_code == 404


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:u1
DTSTART:20261124T080000Z
DTEND:20261124T100000Z
RRULE:FREQ=DAILY;COUNT=2
SUMMARY:{who}
END:VEVENT
END:VCALENDAR
"""


def test_an_outside_calendar_is_a_layer_until_it_is_dropped(server: Server):
    api = server.client(server.world.token())
    api.put("/api/schedules/primary", json={**SCHEDULE, "layers": [{"user": "ana"}]})
    noon = {"at": "2026-11-25T09:00:00Z"}

    taken = api.put("/api/schedules/primary/calendars/holiday", json={"ics": ICS.format(who="ben"), "priority": 5})

    assert taken.json() == {"shifts": 2, "people": ["ben"]}
    assert api.get("/api/schedules/primary/on-call", params=noon).json()["people"] == ["ben"]
    api.put("/api/schedules/primary/calendars/holiday", json={"ics": ICS.format(who="ben"), "into": "overrides"})
    assert api.get("/api/schedules/primary/on-call", params=noon).json()["people"] == ["ana", "ben"]
    unknown = api.put("/api/schedules/primary/calendars/holiday", json={"ics": ICS.format(who="zoe")})
    assert unknown.status_code == 400 and "event 'zoe' at 2026-11-24" in unknown.text
    assert api.delete("/api/schedules/primary/calendars/holiday").status_code == 204
    assert api.get("/api/schedules/primary/on-call", params=noon).json()["people"] == ["ana"]
    assert api.delete("/api/schedules/primary/calendars/holiday").status_code == 404
