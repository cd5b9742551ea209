"""Who takes a role is somebody who is known, or said to be a guest; a slip of the pen is heard."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, strategies as st

from tests.core.lives import T0, Life, minutes, world
from tocsin.core import commands as c
from tocsin.core.guidance import Role
from tocsin.core.holder import holder
from tocsin.core.people import Directory, Method, Person

MAIL = Method(kind="email", address="Ana.Ruiz@Example.org")
PEOPLE = {
    "ana": Person(id="ana", name="Ana Ruiz", methods=(MAIL,)),
    "ben": Person(id="ben", name="Ben Okoro"),
    "sam1": Person(id="sam1", name="Sam Lee"),
    "sam2": Person(id="sam2", name="Sam Lee"),
    "old": Person(id="old", name="Otto Ld", active=False),
}
EVERYBODY = Directory(people=PEOPLE)


@pytest.mark.parametrize("said", ["ana", " Ana ", "ANA RUIZ", "person:ana", "ana.ruiz@example.org"])
def test_every_name_of_a_person_is_their_id(said: str):
    assert holder(EVERYBODY, said) == "ana"
    assert holder(EVERYBODY, said, guest=True) == "ana"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("anna", "ana"), ("Ana Riuz", "ana"), ("Ruiz", "ana"), ("bne", "ben"), ("okorro", "ben"), ("oprator", "operator")],
)
def test_a_slip_is_heard_with_whoever_was_meant(said: str, meant: str):
    with pytest.raises(ValueError, match=rf"^person: expected .*did you mean {meant}\?.*, got '{said}'$"):
        holder(EVERYBODY, said, accounts={"operator"})


def test_somebody_quite_unknown_is_answered_with_who_is_known():
    with pytest.raises(ValueError, match=r"ana, ben, sam1, sam2\), or a guest"):
        holder(EVERYBODY, "Vendor's engineer")
    with pytest.raises(ValueError, match="nobody is yet: `tocsin person add`"):
        holder(Directory(), "ana")


def test_a_guest_keeps_their_name_and_an_account_is_known():
    assert holder(EVERYBODY, " Kim of Acme ", guest=True) == "Kim of Acme"
    assert holder(EVERYBODY, "operator", accounts={"operator"}) == "operator"


@pytest.mark.parametrize("guest", [False, True])
@pytest.mark.parametrize(("said", "why"), [("", "1 to 200"), ("x" * 201, "1 to 200"), ("old", "active")])
def test_nobody_takes_no_role(said: str, why: str, guest: bool):
    with pytest.raises(ValueError, match=f"^person: expected .*{why}"):
        holder(EVERYBODY, said, guest=guest)


def test_a_name_that_two_people_have_is_asked_about():
    with pytest.raises(ValueError, match=r"the id of one of sam1, sam2, got 'sam lee'"):
        holder(EVERYBODY, "sam lee")


@given(st.text(string.printable, max_size=30))
def test_whoever_is_found_is_known_or_was_refused_by_name(said: str):
    try:
        found = holder(EVERYBODY, said)
    except ValueError as error:
        assert str(error).startswith("person: expected ")
    else:
        assert PEOPLE[found].active


def test_a_role_in_another_letter_case_is_the_same_role():
    life = Life(world(roles=(Role(name="Incident Commander"),)))
    life.does(c.AssignRole(by="ana", role=" incident  COMMANDER", person="ana"), T0 + minutes(1))
    life.does(c.AssignRole(by="ana", role="Scribe", person="ben"), T0 + minutes(1))
    assert life.does(c.AssignRole(by="ana", role="scribe", person="ben"), T0 + minutes(2)) == []
    assert life.now.roles == {"Incident Commander": ("ana",), "Scribe": ("ben",)}

    life.does(c.ReleaseRole(by="ana", role="incident commander"), T0 + minutes(3))

    assert life.now.roles.get("Incident Commander", ()) == ()


@pytest.mark.parametrize("role", ["", "  ", "x" * 201])
def test_a_role_has_a_name(role: str):
    with pytest.raises(ValueError, match=r"^role: expected 1 to 200 characters"):
        Life().does(c.AssignRole(by="ana", role=role, person="ana"), T0 + minutes(1))
