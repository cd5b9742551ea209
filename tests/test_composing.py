"""One update for several audiences: each in its template and on its channels, drafts first where somebody must look."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core import commands as c, facts as f
from tocsin.core.audiences import BUILT_IN, Channel, StoredAudience, audiences, hints, meant
from tocsin.core.incident import Incident, Refused
from tocsin.core.people import Method, Person
from tocsin.core.policy import Cadence, Communication, Deadline, Policy, Severity, Template
from tocsin.core.promises import promises
from tocsin.core.saying import ReleaseOverriding
from tocsin.engine import Engine
from tocsin.saying.composing import Announcer, Desk, Update, say
from tocsin.saying.owntemplate import OwnTemplate
from tocsin.store.sqlite import SqliteStore

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
URL = "https://tocsin.example"
POLICY = Policy(
    title="Own guide",
    severities=(Severity(id="SEV-1", name="Major", rank=0),),
    cadences=(
        Cadence(audience="Incident Response Team", every=Deadline(seconds=900)),
        Cadence(audience="customers", every=Deadline(seconds=1800)),
    ),
    communications=(Communication(audience="Media and Partners", within=Deadline(seconds=3600)),),
    templates=(
        Template(title="Team Alert", audience="internal", body="ALERT\nImpact: [impact]\nNext Update: [Time]"),
        Template(
            title="Customer Notice",
            audience="customers",
            body="Subject: Disruption\n\nImpact: [impact]\nUpdates every [frequency].\n\nBest regards,\nUs",
        ),
        Template(
            title="Resolution Notice",
            audience="customers",
            body="Subject: Restored\n\nIt lasted [start time]-[end time].",
        ),
    ),
)


class Office:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(T0)
        self.store = SqliteStore(folder / "t.db", self.clock)
        ids = itertools.count(1)
        self.engine = Engine(self.store, new_id=lambda: f"i{next(ids)}")
        self.engine.announcing(Announcer(self.engine, URL))
        ana = Person(id="ana", name="Ana", methods=(Method(kind="console", address="ana"),))
        self.store.put("default", "person", "ana", msgspec.json.encode(ana))
        lea = Person(id="lea", name="Lea", roles=("Communication lead",))
        self.store.put("default", "person", "lea", msgspec.json.encode(lea))
        self.engine.guides.activate("default", "main", POLICY)
        for name in ("response-team", "customers", "partners"):
            self.audience(name)
        self.incident = self.declare()

    def audience(self, name: str, **said: Any) -> None:
        channels = (Channel(kind="email", address=f"{name}@example.org", name=f"list {name}"),)
        stored = StoredAudience(**{"id": name, "channels": channels, **said})
        self.store.put("default", "audience", name, msgspec.json.encode(stored))

    def declare(self, **said: Any) -> str:
        return self.engine.declare("default", c.Declare(by="ana", title="Checkout 5xx", **said)).id

    def do(self, command: Any) -> Incident:
        return self.engine.handle("default", self.incident, command)

    def say(self, *to: str, **said: Any) -> Incident:
        return say(self.engine, "default", self.incident, Update(audiences=to, **said), "ana", URL)

    def previews(self, *to: str, **said: Any) -> dict[str, Any]:
        desk = Desk(self.engine, "default", self.incident, URL)
        return {each.audience: each for each in desk.previews(Update(audiences=to, **said))}

    def owed(self) -> list[tuple[str, str, str]]:
        """(audience, subject, text) of what was announced, oldest first."""
        found = reversed(self.store.announced("default", incident=self.incident))
        return [(each.announcement.audience, each.announcement.subject, each.announcement.text) for each in found]

    def facts(self, kind: type) -> list[Any]:
        return [each for each in self.store.facts("default", self.incident) if isinstance(each, kind)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_a_preview_says_what_posting_does_also_to_the_team_whose_page_is_the_incidents(office: Office):
    found = office.previews("response-team", "public")

    assert {(each.goes == "nowhere", each.why) for each in found.values()} == {(False, "")}


def test_each_audience_is_told_in_its_own_template(office: Office):
    office.do(c.SetImpact(by="ana", impact="Nobody can pay"))
    office.audience("customers", approval=False)

    office.say("response-team", "customers", text="Pool is full.", public_text="We are on it.")

    assert office.owed() == [
        (
            "response-team",
            "[SEV-1] Checkout 5xx (INC-2026-001)",
            "ALERT\nImpact: Nobody can pay\nNext Update: 03:15 UTC\n\nPool is full.",
        ),
        (
            "customers",
            "Disruption",
            "Impact: Nobody can pay\nUpdates every 30 minutes.\n\nWe are on it.\n\nBest regards,\nUs",
        ),
    ]


def test_what_is_for_the_inside_never_reaches_the_outside(office: Office):
    office.audience("partners", approval=False)

    office.say("partners", text="db-1 is on fire", fields={"impact": "Orders are late", "frequency": "hour"})

    (told,) = office.store.announced("default", incident=office.incident)
    assert "db-1" not in told.announcement.text and "Checkout 5xx" not in told.announcement.subject
    assert (told.announcement.url, told.announcement.severity, told.announcement.outside) == ("", "", True)


def test_nothing_goes_out_while_a_field_is_missing(office: Office):
    assert office.previews("response-team")["response-team"].missing == ("Impact",)

    with pytest.raises(Refused, match="cannot tell response team: no value for Impact"):
        office.say("response-team", status="identified")

    assert office.owed() == []
    assert office.facts(f.StatusChanged) == [], "the update is one: nothing of it happened"


def test_what_was_typed_once_is_known_the_next_time(office: Office):
    office.say("response-team", fields={"Impact": "Nobody can pay"})

    assert office.previews("response-team")["response-team"].missing == ()


def test_customers_get_a_draft_that_somebody_releases(office: Office):
    office.do(c.SetImpact(by="ana", impact="Nobody can pay"))
    office.say("customers", public_text="We are on it.")
    assert office.owed() == []
    (drafted,) = office.facts(f.UpdateDrafted)
    assert office.facts(f.UpdatePosted) == [], "a draft keeps no promise"

    office.clock.advance(timedelta(minutes=5))
    after = office.do(c.Release(by="lea", draft=drafted.draft))

    assert [each[0] for each in office.owed()] == ["customers"]
    (posted,) = office.facts(f.UpdatePosted)
    assert (posted.by, posted.audience, posted.text) == ("lea", "customers", "We are on it.")
    assert after.drafts == {}
    with pytest.raises(ValueError, match="draft: expected one that waits"):
        office.do(c.Release(by="lea", draft=drafted.draft))


def test_only_who_holds_communications_releases_what_needs_approval(office: Office):
    office.do(c.SetImpact(by="ana", impact="Nobody can pay"))
    office.say("customers")
    (drafted,) = office.facts(f.UpdateDrafted)

    with pytest.raises(Refused, match="ana does not hold Communications Lead on INC-2026-001; lea can"):
        office.do(c.Release(by="ana", draft=drafted.draft))
    assert office.owed() == []

    office.do(c.AssignRole(by="ana", role="Communications Lead", person="kim"))
    with pytest.raises(Refused, match="lea does not hold Communications Lead on INC-2026-001; kim can"):
        office.do(c.Release(by="lea", draft=drafted.draft))
    office.do(c.Release(by="kim", draft=drafted.draft))

    (said,) = office.facts(f.Announced)
    assert (said.by, said.approved_as) == ("kim", "Communications Lead")


def test_an_administrator_s_release_is_recorded_as_an_override(office: Office):
    office.do(c.SetImpact(by="ana", impact="Nobody can pay"))
    office.say("customers")
    (drafted,) = office.facts(f.UpdateDrafted)

    office.do(ReleaseOverriding(by="root", draft=drafted.draft))

    (said,) = office.facts(f.Announced)
    assert said.approved_as == "an administrator, in place of Communications Lead"


def test_a_role_that_nobody_holds_is_taken_over_by_saying_so(office: Office):
    office.store.delete("default", "person", "lea")
    office.engine.guides.changed("default")
    office.say("customers", texts={"customers": "We know."})
    (drafted,) = office.facts(f.UpdateDrafted)

    with pytest.raises(Refused, match="nobody holds Communications Lead on INC-2026-001; whoever takes it over"):
        office.do(c.Release(by="ana", draft=drafted.draft))
    office.do(c.AssignRole(by="ana", role="Communications Lead", person="ana"))
    office.do(c.Release(by="ana", draft=drafted.draft))

    assert [each[2] for each in office.owed()] == ["We know."]


def test_an_audience_may_name_its_own_approvers(office: Office):
    office.audience("partners", approvers=("Legal", "person:ana"))
    office.say("partners", texts={"partners": "We know."})
    (drafted,) = office.facts(f.UpdateDrafted)

    with pytest.raises(Refused, match="lea does not hold Legal or person:ana"):
        office.do(c.Release(by="lea", draft=drafted.draft))
    office.do(c.Release(by="ana", draft=drafted.draft))

    assert office.facts(f.Announced)[0].approved_as == "person:ana"


def test_a_draft_of_one_s_own_choice_needs_nobody_s_approval(office: Office):
    office.say("response-team", texts={"response-team": "Soon."}, draft=True)
    (drafted,) = office.facts(f.UpdateDrafted)

    office.do(c.Release(by="anybody", draft=drafted.draft))

    assert office.facts(f.Announced)[0].approved_as == ""


def test_a_draft_can_be_edited_on_release_or_dropped(office: Office):
    office.say("customers", "partners", fields={"impact": "x"})
    first, second = office.facts(f.UpdateDrafted)

    office.do(c.Release(by="lea", draft=first.draft, text="Better words."))
    office.do(c.Discard(by="lea", draft=second.draft, because="not affected"))

    assert [each[2] for each in office.owed()] == ["Better words."]
    assert office.facts(f.UpdateDiscarded)[0].because == "not affected"


def test_a_draft_with_a_field_missing_is_not_released_until_it_is_filled_in(office: Office):
    office.say("customers")
    (drafted,) = office.facts(f.UpdateDrafted)
    assert "____" in drafted.text

    with pytest.raises(Refused, match="not filled in"):
        office.do(c.Release(by="lea", draft=drafted.draft))

    office.do(c.Release(by="lea", draft=drafted.draft, text="Nobody can pay."))
    assert [each[2] for each in office.owed()] == ["Nobody can pay."]


def test_the_release_keeps_the_promise_that_the_guide_made_to_the_audience(office: Office):
    rules = office.engine.guides.named("default", "main").rules
    office.do(c.SetImpact(by="ana", impact="x"))
    office.clock.advance(timedelta(minutes=10))
    office.say("customers")
    (drafted,) = office.facts(f.UpdateDrafted)
    office.clock.advance(timedelta(minutes=10))

    after = office.do(c.Release(by="lea", draft=drafted.draft))

    due = {each.audience: each.due_at for each in promises(after, rules) if each.rule.startswith("update:")}
    assert due == {"Incident Response Team": T0 + timedelta(minutes=15), "customers": T0 + timedelta(minutes=50)}


def test_one_message_per_change_and_none_for_an_identical_update(office: Office):
    office.do(c.SetImpact(by="ana", impact="x"))
    office.audience("customers", approval=False)
    office.say("customers", public_text="We are on it.")
    office.say("customers", public_text="We are on it.")
    office.say("customers", public_text="We found it.")

    assert [each[2].count("We") for each in office.owed()] == [1, 1]


def test_a_drill_is_practised_but_never_leaves_the_house(office: Office):
    office.incident = office.declare(drill=True)
    office.do(c.SetImpact(by="ana", impact="x"))
    office.audience("customers", approval=False)

    office.say("response-team", "customers")

    assert [each[0] for each in office.owed()] == ["response-team"]
    assert office.owed()[0][1].startswith("[DRILL] ")
    outside = [each for each in office.facts(f.Announced) if each.outside]
    assert [(each.channels, each.withheld) for each in outside] == [((), "a drill stays inside")]
    assert office.previews("customers")["customers"].goes == "nowhere"


def test_the_status_changes_with_the_update_and_the_text_says_the_new_one(office: Office):
    office.do(c.SetImpact(by="ana", impact="x"))
    office.audience("customers", approval=False)
    office.clock.advance(timedelta(minutes=30))

    after = office.say("customers", status="resolved", text="Disk enlarged")

    assert after.status == "resolved"
    assert [each[1:] for each in office.owed()] == [("Restored", "It lasted 03:00 UTC-03:30 UTC.")]


def test_nothing_is_said_without_a_person_unless_the_audience_says_auto(office: Office):
    office.do(c.ChangeStatus(by="ana", status="identified"))
    assert office.owed() == []

    office.audience("customers", auto=True)
    office.do(c.ChangeStatus(by="ana", status="monitoring"))
    (told,) = office.owed()
    assert told[0] == "customers" and "Status: Monitoring" in told[2] and "____" not in told[2]

    office.do(c.MarkDrill(by="ana"))
    office.do(c.ChangeStatus(by="ana", status="identified"))
    assert len(office.owed()) == 1


def test_an_audience_is_told_under_every_name_that_the_guide_has_for_it(office: Office):
    office.audience("partners", approval=False)

    office.say("partners", fields={"impact": "x", "frequency": "hour"})

    assert [each.audience for each in office.facts(f.UpdatePosted)] == ["Media and Partners"]


def test_an_unknown_audience_is_named(office: Office):
    with pytest.raises(ValueError, match=r"audiences: expected some of response-team, .*, got 'nobody'"):
        office.say("nobody")


def test_an_own_template_is_used_instead_of_the_guides(office: Office):
    own = OwnTemplate(
        id="short", audience="response-team", subject="{{ reference }}", body="{{ impact }} ({{ status }})"
    )
    office.store.put("default", "template", "short", msgspec.json.encode(own))
    assert office.previews("response-team")["response-team"].missing == ("impact",)

    office.say("response-team", fields={"impact": "Nobody can pay"})

    assert office.owed() == [("response-team", "INC-2026-001", "Nobody can pay (investigating)")]


def test_what_is_left_out_of_a_stored_audience_is_safe():
    known = audiences({
        "customers": StoredAudience(id="customers", channels=(Channel(kind="email", address="a@b.c"),)),
        "resellers": StoredAudience(id="resellers"),
    })  # fmt: skip

    assert (known["customers"].outside, known["customers"].approval, known["customers"].auto) == (True, True, False)
    assert (known["resellers"].outside, known["resellers"].approval) == (True, True)
    assert [each for each in BUILT_IN if each.outside and not each.approval] == []


@pytest.mark.parametrize(
    "words, ids",
    [
        ("Incident Response Team", ("response-team",)),
        ("internal", ("response-team",)),
        ("Development Team", ("development-team",)),
        ("Management", ("management",)),
        ("stakeholders", ("management",)),
        ("executives", ("executives",)),
        ("Customer Support", ("support",)),
        ("customers", ("customers",)),
        ("partners", ("partners",)),
        ("Media and Partners", ("partners", "media")),
        ("regulatory authorities", ("regulators",)),
        ("the moon", ()),
    ],
)
def test_the_guides_words_mean_audiences(words: str, ids: tuple[str, ...]):
    assert meant(words, audiences({})) == ids


def test_hints_flag_what_customers_do_not_understand_or_should_not_see():
    known = audiences({})
    text = "The Redis cluster on db-1 (10.0.0.7, cache.prod.internal) is down, see JIRA-123. Ask @bob."

    assert {each.found.casefold() for each in hints(text, known["customers"])} >= {
        "redis", "cluster", "db-1", "10.0.0.7", "cache.prod.internal", "jira-123", "@bob",
    }  # fmt: skip
    assert hints(text, known["response-team"]) == ()
    assert hints("Payments fail for some customers (INC-2026-001).", known["customers"]) == ()
