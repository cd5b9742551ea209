"""Contacts that a guide prints, and what makes them people whom it can page."""

from __future__ import annotations

from tocsin.core.introductions import introductions
from tocsin.core.people import Directory, Method, Person
from tocsin.core.policy import Contact, Policy, Source

JOHN = Contact(
    name="John Doe",
    role="On-call Engineer",
    kind="primary",
    email="oncall@example.org",
    phone="+1-xxx",
    source=Source(line=7),
)
VENDOR = Contact(name="Hosting Ltd", kind="vendor", email="help@hosting.example")


def runs(*contacts: Contact, **people: Person) -> list[str]:
    policy = Policy(title="g", severities=(), contacts=contacts)
    return [" ".join(each.run) for each in introductions(policy, Directory(people=people))]


def test_whom_nobody_knows_is_added_with_name_role_and_address():
    (found,) = introductions(Policy(title="g", severities=(), contacts=(JOHN, VENDOR)), Directory())

    assert (found.name, found.person, found.line) == ("John Doe", None, 7)
    assert found.run == (
        "tocsin", "person", "add", "john-doe", "--name", "John Doe",
        "--role", "On-call Engineer", "--reach", "oncall@example.org",
    )  # fmt: skip


def test_whoever_is_known_is_only_bound_and_whoever_is_bound_is_left_alone():
    john = Person(id="john", name="john doe", methods=(Method(kind="console", address=""),))
    by_mail = Person(id="jd", methods=(Method(kind="email", address="ONCALL@example.org"),))

    assert runs(JOHN, john=john) == ["tocsin binding add On-call Engineer john"]
    assert runs(JOHN, jd=by_mail) == ["tocsin binding add On-call Engineer jd"]
    assert runs(JOHN, john=Person(id="john", name="John Doe", roles=("on-call engineer",))) == [""]


def test_names_that_are_taken_get_a_number_and_placeholders_are_no_addresses():
    other = Contact(name="John  Doe!", role="DBA", email="name at example")
    team = Contact(role="Security Team", email="security@example.org")

    found = runs(JOHN, other, team, **{"john-doe": Person(id="john-doe", name="Somebody else")})

    assert found[0].startswith("tocsin person add john-doe-2 ")
    assert found[1] == "tocsin person add john-doe-3 --name John Doe! --role DBA --reach ADDRESS"
    assert found[2].startswith("tocsin person add security-team --name Security Team")
