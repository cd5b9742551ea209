"""What the public may know of an incident: only what somebody published, and never greener than it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.lives import policy, world
from tocsin.core import commands as c, facts as f
from tocsin.core.decide import Opening, decide, opened
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Refused, fold
from tocsin.core.lifecycle import Absorb
from tocsin.core.public import RESOLVED_TEXT, PublicIncident, advance, begin, spans
from tocsin.core.status import Component, Page, rank, state_of_impact
from tocsin.core.statusview import Known, state_of

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
POLICY = policy()
IMPACTS: Any = {each.id: ("critical", "major", "minor", "none")[min(each.rank, 3)] for each in POLICY.severities}
WORST = min(POLICY.severities, key=lambda each: each.rank).id
SECRET = "db-prod-7.internal.example: replication lag"
API = Component(id="api", name="API", created_at=T0, updated_at=T0, services=("checkout",))
WEB = Component(id="web", name="Website", created_at=T0, updated_at=T0)


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


class Life:
    """An incident that commands happen to, and its public side."""

    def __init__(self, **opening: Any) -> None:
        self.world = world()
        given = {"severity": WORST, "service": "checkout", **opening}
        self.facts: list[AnyFact] = opened(
            Opening(
                incident="i1", reference="INC-1", title=SECRET, guide="main", policy_digest="d", because=SECRET, **given
            ),
            self.world,
            T0,
        )

    def do(self, command: Any, after: float) -> Life:
        incident = fold(self.facts)
        assert incident is not None
        self.facts += decide(incident, command, self.world, T0 + minutes(after))
        return self

    @property
    def public(self) -> PublicIncident:
        first, *others = self.facts
        assert isinstance(first, f.Opened)
        known = begin(first, IMPACTS)
        for fact in others:
            known = advance(known, fact)
        return known


def test_nothing_becomes_public_by_itself():
    life = Life().do(c.PostUpdate(text="rolling back", audience="response team"), 1).do(c.AddNote(text="hm"), 2)

    assert not life.public.public
    assert spans(life.public, API) == []


def test_an_update_to_the_public_publishes_without_the_internal_title():
    public = Life().do(c.PostUpdate(text="We are looking into it.", audience="Public"), 5).public

    assert public.public and public.name == ""
    assert [each.text for each in public.updates] == ["We are looking into it."]
    assert SECRET not in repr(public)


def test_a_drill_is_never_public():
    life = Life(drill=True)
    with pytest.raises(Refused, match="drill"):
        life.do(c.Publish(name="Payments fail"), 1)

    assert not life.do(c.PostUpdate(text="x", audience="public"), 2).public.public
    assert not Life().do(c.Publish(name="Payments fail"), 1).do(c.MarkDrill(), 2).public.public


def test_what_was_said_when_it_was_published_holds_from_the_start():
    life = Life(service=None).do(c.Publish(name="Slow", components=("web=partial_outage",)), 30)
    life.do(c.Publish(components=("api=degraded_performance",)), 45).do(c.Resolve(), 60)

    (web,), (api,) = spans(life.public, WEB), spans(life.public, API)
    assert (web.start, web.end, web.state) == (T0, T0 + minutes(60), "partial_outage")
    assert (api.start, api.end) == (T0 + minutes(45), T0 + minutes(60))


def test_a_resolution_frees_the_components_and_says_so_once():
    life = Life().do(c.Publish(name="Slow"), 1).do(c.Resolve(because=SECRET), 20)

    assert [(each.status, each.text) for each in life.public.updates] == [("resolved", RESOLVED_TEXT)]
    assert spans(life.public, API)[-1].end == T0 + minutes(20)


def test_a_worded_resolution_replaces_the_unworded_one():
    life = Life().do(c.Publish(name="Slow"), 1)
    life.do(c.PostUpdate(text="All is well.", audience="public", status="resolved"), 20)

    assert [each.text for each in life.public.updates] == ["All is well."]


def test_the_same_update_twice_is_one():
    life = Life()
    for after in (1, 2):
        life.do(c.PostUpdate(text="We are looking into it.", audience="public"), after)

    assert len(life.public.updates) == 1


def test_what_was_published_late_is_known_from_its_start():
    life = Life().do(c.Resolve(), 30).do(c.Publish(name="Slow"), 600)

    assert [(each.start, each.end) for each in spans(life.public, API)] == [(T0, T0 + minutes(30))]


def test_an_automatic_component_shows_a_colour_and_no_word():
    automatic = Component(id="api", name="API", created_at=T0, updated_at=T0, services=("checkout",), automatic=True)
    life = Life()

    assert [each.state for each in spans(life.public, automatic)] == [state_of_impact(IMPACTS[WORST])]
    assert life.public.updates == ()


def test_a_public_text_can_be_corrected():
    life = Life().do(c.PostUpdate(text="Teh cause is found.", audience="public"), 1)
    life.do(c.ChangePublicText(update=life.public.updates[0].id, text="The cause is found."), 2)

    assert [each.text for each in life.public.updates] == ["The cause is found."]
    with pytest.raises(ValueError, match="place of a public update"):
        life.do(c.ChangePublicText(update=1, text="x"), 3)


def test_the_public_review_is_apart_from_the_notes():
    life = Life().do(c.Publish(name="Slow"), 1).do(c.AddNote(text=SECRET, private=True), 2).do(c.Resolve(), 3)
    life.do(c.SetPublicReview(text="A disk was full."), 4)
    assert life.public.review_at is None

    life.do(c.SetPublicReview(text="A disk was full.", published=True), 5)

    assert life.public.review_at == T0 + minutes(5)
    assert SECRET not in repr(life.public)


def test_a_public_incident_is_not_merged_out_of_sight():
    life = Life()
    absorb = Absorb(other="i2", reference="INC-2", keys=(), firing=0, public=True)

    with pytest.raises(Refused, match="publish INC-1 first"):
        life.do(absorb, 1)
    life.do(c.Publish(name="Slow"), 1).do(absorb, 2)


STEPS = st.one_of(
    st.builds(
        c.ChangeSeverity, severity=st.sampled_from([each.id for each in POLICY.severities]), because=st.just("x")
    ),
    st.sampled_from(
        [
            c.Publish(name="Slow"),
            c.Publish(name="Slow", impact="critical"),
            c.Unpublish(because="x"),
            c.PostUpdate(text="We know.", audience="public"),
            c.PostUpdate(text=SECRET, audience="response team"),
            c.AddNote(text=SECRET),
            c.Rename(title=SECRET + "!"),
            c.SetAffected(services=("checkout", "db-prod-7.internal.example"), components=("Website",)),
            c.Resolve(because=SECRET),
            c.Reopen(because=SECRET),
            c.Close(because=SECRET),
            c.ChangeStatus(status="monitoring", because=SECRET),
        ]
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_a_component_is_never_greener_than_its_open_public_incidents(steps: list[Any]):
    life = Life()
    page = Page(id="main", name="Status", default=True, components=("api", "web"), created_at=T0, updated_at=T0)
    for n, step in enumerate(steps, start=1):
        try:
            life.do(step, n)
        except Refused:
            continue
        public, incident = life.public, fold(life.facts)
        assert incident is not None
        known = Known(
            pages=(page,),
            components={"api": API, "web": WEB},
            said={},
            incidents=(public,),
            planned=(),
            changed_at=T0,
        )
        now = T0 + minutes(n)
        state = state_of(known, page, API, now)
        if incident.open and public.public:
            assert rank(state) >= rank(state_of_impact(public.impact))
        else:
            assert state == "operational"
        assert public.public == (incident.public is not None)
        assert (public.status == "resolved") == (not incident.open)
        words = [public.name, public.review, *(each.text for each in public.updates)]
        assert not any("internal.example" in each for each in words)
