"""Control characters, and too much, in what people say: refused, with the name of the field."""

from __future__ import annotations

import pytest

from tests.http.world import Server

CONTROL = "a\x00b\x1b[31m"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/incidents", {"title": CONTROL}, "title"),
        ("POST", "/api/incidents", {"title": "two\nlines"}, "title"),
        ("POST", "/api/incidents", {"name": CONTROL, "status": "investigating", "impact": "major", "body": ""}, "name"),
        ("POST", "/api/incidents/INC-2026-001/add-note", {"text": CONTROL}, "text"),
        ("PUT", "/api/people/bob", {"id": "bob", "name": CONTROL}, "name"),
        ("PUT", "/api/people/bob", {"id": "bob", "name": "B", "methods": [CONTROL]}, "methods[0]"),
        ("PUT", "/api/services/s1", {"id": "s1", "name": CONTROL}, "name"),
        ("PUT", "/api/templates/t1", {"id": "t1", "audience": "a", "body": CONTROL}, "body"),
    ],
)
def test_control_characters_are_refused_by_name(
    shared: Server, method: str, path: str, body: dict[str, object], field: str
):
    answer = shared.client(shared.world.token()).request(method, path, json=body)

    assert answer.status_code == 400, answer.text
    (found,) = answer.json()["errors"]
    assert (found["field"], found["got"].startswith("U+")) == (field, True)


def test_a_form_with_control_characters_is_refused_by_name(shared: Server):
    client = shared.client(shared.world.token())
    answer = client.post("/declare", data={"title": CONTROL}, headers={"accept": "text/html"})

    assert answer.status_code == 400
    assert "Title: expected one line without control characters" in answer.text


def test_a_note_of_several_lines_is_taken(shared: Server):
    client = shared.client(shared.world.token())
    made = client.post("/api/incidents", json={"title": "x"}).json()
    note = client.post(f"/api/incidents/{made['id']}/add-note", json={"text": "one\r\n\ttwo\n"})

    assert note.status_code == 200, note.text


def test_a_title_that_is_too_long_or_empty_is_refused_by_name(shared: Server):
    client = shared.client(shared.world.token())
    made = client.post("/api/incidents", json={"title": "x"}).json()
    rename = f"/api/incidents/{made['id']}/rename"
    for answer in (
        client.post("/api/incidents", json={"title": "x" * 501}),
        client.post(rename, json={"title": "x" * 501}),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["got"]) == (400, "501"), answer.text
    assert client.post(rename, json={"title": " "}).status_code == 400


def test_what_is_too_large_for_a_fact_names_the_field(shared: Server):
    client = shared.client(shared.world.token())
    answer = client.post("/api/incidents", json={"title": "x", "description": "d" * 100_000})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "description"), answer.text


def test_a_reference_that_nobody_has_is_said_to_be_nobodys(shared: Server):
    """`expected a reference such as INC-2026-001, got INC-2026-001` explains nothing."""
    client = shared.client(shared.world.token())
    for method, path in (
        ("GET", "INC-1999-001"),
        ("POST", "INC-1999-001/acknowledge"),
        ("GET", "INC-1999-001/timeline"),
    ):
        answer = client.request(method, f"/api/incidents/{path}", json={} if method == "POST" else None)
        assert answer.status_code == 404
        assert "none is called 'INC-1999-001'" in answer.json()["detail"]
