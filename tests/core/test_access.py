"""The one predicate: rungs, own things, teams, the command of an incident, nobody hands out more than theirs."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.access import (
    ANYTHING,
    RANK,
    ROLES,
    TABLE,
    Action,
    Actor,
    Resource,
    Role,
    action_for,
    may,
    role_of,
)

PEOPLE = st.sampled_from(["ana", "ben", "cleo"])
TEAMS = st.frozensets(st.sampled_from(["payments", "platform"]))
ACTIONS: st.SearchStrategy[Action] = st.sampled_from(sorted(TABLE))


@st.composite
def actors(draw: st.DrawFn) -> Actor:
    teams = draw(TEAMS)
    leads = draw(st.frozensets(st.sampled_from(sorted(teams)))) if teams else frozenset()
    return actor(draw(st.sampled_from(ROLES)), draw(PEOPLE), teams=teams, leads=leads)


@st.composite
def things(draw: st.DrawFn) -> Resource:
    return Resource(
        owner=draw(st.none() | PEOPLE),
        teams=draw(TEAMS),
        commanders=draw(st.frozensets(PEOPLE)),
        grants=draw(st.none() | st.sampled_from(ROLES)),
    )


def actor(role: Role, person: str = "ana", **more: frozenset[str]) -> Actor:
    return Actor(tenant="default", id=person, kind="person", role=role, **more)


@given(actors(), ACTIONS, things())
def test_a_higher_rung_has_what_a_lower_one_has(who: Actor, action: Action, thing: Resource):
    allowed = [bool(may(actor(role, who.id, teams=who.teams, leads=who.leads), action, thing)) for role in ROLES]

    assert allowed == sorted(allowed)


@given(actors(), ACTIONS, things())
def test_nobody_hands_out_or_takes_away_more_than_they_have(who: Actor, action: Action, thing: Resource):
    if thing.grants is not None and RANK[thing.grants] > RANK[who.role]:
        assert not may(who, action, thing)


@given(actors(), ACTIONS, things())
def test_what_is_somebody_elses_gives_no_more_than_the_role(who: Actor, action: Action, thing: Resource):
    others = Resource(owner="dora", teams=frozenset({"billing"}), commanders=frozenset({"dora"}))

    assert bool(may(who, action, others)) == bool(may(who, action, ANYTHING))


@given(actors(), ACTIONS, things())
def test_the_reason_names_the_actor_or_the_role(who: Actor, action: Action, thing: Resource):
    decision = may(who, action, thing)

    assert decision.because
    assert decision or who.id in decision.because


def test_the_rungs_say_what_they_said_before_there_were_five():
    asked: list[Action] = ["incident.read", "incident.respond", "incident.command", "policy.activate", "tenant.manage"]

    granted = {role: [action for action in asked if may(actor(role), action)] for role in ROLES}

    assert granted == {
        "viewer": asked[:1],
        "responder": asked[:2],
        "commander": asked[:3],
        "administrator": asked[:4],
        "owner": asked,
    }


def test_the_old_word_for_an_administrator_is_understood():
    assert role_of("admin") == "administrator"
    assert [role_of(role) for role in ROLES] == list(ROLES)


def test_ones_own_things_are_ones_own():
    assert may(actor("viewer"), "contact.manage", Resource(owner="ana"))
    assert not may(actor("commander"), "contact.manage", Resource(owner="ben"))


@pytest.mark.parametrize(
    ("role", "action", "teams", "leads", "allowed"),
    [
        ("responder", "service.manage", {"payments"}, set(), True),
        ("responder", "service.manage", {"platform"}, set(), False),
        ("viewer", "service.manage", {"payments"}, {"payments"}, False),
        ("responder", "schedule.manage", {"payments"}, set(), False),
        ("responder", "schedule.manage", {"payments"}, {"payments"}, True),
        ("responder", "people.manage", {"payments"}, {"payments"}, False),
    ],
)
def test_teams_manage_what_is_theirs(role: Role, action: Action, teams: set[str], leads: set[str], allowed: bool):
    who = actor(role, teams=frozenset(teams), leads=frozenset(leads))

    assert bool(may(who, action, Resource(teams=frozenset({"payments"})))) is allowed


def test_whoever_commands_an_incident_decides_there_and_only_there():
    here, elsewhere = Resource(commanders=frozenset({"ana"})), Resource(commanders=frozenset({"ben"}))

    assert may(actor("responder"), action_for("waive-promise"), here)
    assert not may(actor("responder"), action_for("waive-promise"), elsewhere)
    assert not may(actor("viewer"), action_for("waive-promise"), here)
    assert may(actor("responder"), action_for("resolve"), elsewhere)
