"""The review over HTTP and on its page: words that documents keep, the checklist, what the law asks."""

from __future__ import annotations

import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.core.policy import Deadline, Review, Template

REVIEW = Review(within=Deadline(business_days=2), agenda=("Timeline",), framework=("Why: the cause",),
                checklist=("Invite everybody", "Read the timeline"))  # fmt: skip
FORM = Template(
    title="PIR Template", body="# PIR [Incident ID]\n\n## What Went Well\n\n- quick\n\n## Root Cause\n\n[Root Cause]\n"
)


@pytest.fixture
def reference(shared: Server) -> str:
    return opened(shared, "reviewed", templates=(FORM,))


def opened(shared: Server, name: str, **changes: object) -> str:
    policy = msgspec.structs.replace(POLICY, review=REVIEW, **changes)
    shared.world.do(lambda _: shared.world.engine.guides.activate("default", name, policy))
    api = shared.client(shared.world.token())
    said = {"title": "Checkout is down", "severity": POLICY.severities[0].id, "guide": name}
    return api.post("/api/incidents", json=said).json()["reference"]


def test_what_is_typed_for_a_document_is_kept_for_the_next(shared: Server, reference: str):
    api = shared.client(shared.world.token())
    place = f"/api/incidents/{reference}/documents"

    first = api.post(place, json={"title": "PIR Template", "fields": {"What Went Well": "paged at once"}}).json()
    api.post(f"/api/incidents/{reference}/set-root-cause", json={"cause": "a full disk"})
    again = api.post(place, json={"title": "PIR Template"}).json()

    assert "- paged at once" in first["markdown"] and "- paged at once" in again["markdown"]
    assert "Root Cause" in first["missing"] and "Root Cause" not in again["missing"]
    assert "## Agenda" in again["markdown"] and "- [ ] Invite everybody" in again["markdown"]
    assert "no clock of a law ran" in again["markdown"]
    assert api.get(f"/api/incidents/{reference}/review").json()["lessons"] == {"well": ["paged at once"]}


def test_a_guide_with_a_review_and_no_template_has_one_all_the_same(shared: Server):
    reference = opened(shared, "bare", templates=())
    api = shared.client(shared.world.token())

    titles = api.get(f"/api/incidents/{reference}/documents").json()["items"]
    said = api.post(f"/api/incidents/{reference}/documents", json={"title": "Post-Incident Review"}).json()

    assert {"title": "Post-Incident Review", "kind": "document"} in titles
    assert said["markdown"].startswith(f"# Post-Incident Review\n\n- **Incident ID:** {reference}\n")
    assert "- **Issue:** Checkout is down" in said["markdown"] and "1. Timeline" in said["markdown"]
    assert "What Went Well" in said["missing"]


def test_the_page_ticks_the_checklist_and_keeps_words(shared: Server, reference: str):
    pages = shared.client(shared.world.token())
    place = f"/incidents/{reference}/review"

    ticked = pages.post(place, data={"item": "Invite everybody"}, follow_redirects=True)
    kept = pages.post(place, data={"field": "Why", "text": "a <full> disk"}, follow_redirects=True)
    undone = pages.post(place, data={"item": "Invite everybody", "undone": "1"}, follow_redirects=True)

    assert ticked.status_code == 200 and ticked.text.count(">Not done<") == 1
    assert "a &lt;full&gt; disk" in kept.text and "Timeline" in kept.text
    assert ">Not done<" not in undone.text
    assert pages.post(place, data={"item": "Sing"}).status_code == 400


def test_only_who_responds_writes_and_who_reads_sees(shared: Server, reference: str):
    viewer = shared.client(shared.world.token("viewer"))

    page = viewer.get(f"/incidents/{reference}/review")

    assert page.status_code == 200 and "readonly" in page.text and "<button" not in page.text.split("<main")[1]
    assert viewer.post(f"/incidents/{reference}/review", data={"item": "1"}).status_code == 403
    assert viewer.post(f"/api/incidents/{reference}/write-review", json={"field": "a", "text": "b"}).status_code == 403
    assert viewer.get("/api/incidents/INC-1999-001/review").status_code == 404
