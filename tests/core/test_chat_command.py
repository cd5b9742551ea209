"""What people type after /incident: in any quotes, with whatever a phone makes of them, and never an exception."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from tocsin.core import chat_command as said, commands as c
from tocsin.core.chat_command import Act, Assign, Misunderstood, Open, parse, titled

GUIDE = {"P1": "web", "P2": "web", "SEV-0": "main", "SEV-1": "main"}


@pytest.mark.parametrize("quotes", ['"{}"', "“{}”", "„{}“", "«{}»", "'{}'", "‘{}’", "{}", '"{}'])
@pytest.mark.parametrize("dash", ["-", "–", "—"])
def test_the_guides_own_command_in_any_quotes(quotes, dash):
    asked = parse("create " + quotes.format(f"Dashboard Outage {dash} P1"), GUIDE)

    assert asked == Open(c.Declare(title="Dashboard Outage", severity="P1", guide="web"))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Outage - sev1", ("Outage", "SEV-1", "")),
        ("Outage (P2)", ("Outage", "P2", "")),
        ("Outage [SEV-0]", ("Outage", "SEV-0", "")),
        ("P1: Outage", ("Outage", "P1", "")),
        ("Outage - P4", ("Outage - P4", None, "P4")),
        ("Can't log in - at all", ("Can't log in - at all", None, "")),
        ("P1", ("P1", None, "")),
    ],
)
def test_a_title_carries_the_severity_when_the_guide_has_it(title, expected):
    assert titled(title, GUIDE) == expected


@pytest.mark.parametrize("dashes", ["--", "—", "–"])
def test_options_follow_the_title(dashes):
    asked = parse(f'create "Slow - P2" {dashes}service checkout {dashes}drill', GUIDE)

    assert asked == Open(c.Declare(title="Slow", severity="P2", guide="web", service="checkout", drill=True))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("ack INC-2026-001", c.Acknowledge()),
        ("ACK inc-2026-001", c.Acknowledge()),
        ("resolve INC-2026-001 rolled  back", c.Resolve(because="rolled  back")),
        ('escalate INC-2026-001 "it can\'t wait"', c.Escalate(because="it can't wait")),
        ("update INC-2026-001 “rolling back” --to customers", c.PostUpdate(text="rolling back", audience="customers")),
        ("severity INC-2026-001 SEV-0 all regions", c.ChangeSeverity(severity="SEV-0", because="all regions")),
        ("status INC-2026-001 Identified a bad release", c.ChangeStatus(status="identified", because="a bad release")),
        ("note INC-2026-001 disk full", c.AddNote(text="disk full")),
        ("approve INC-2026-001 2 agreed", c.Approve(request=2, because="agreed")),
        ("decline INC-2026-001 2", c.Decline(request=2)),
        ("begin INC-2026-001 Containment", c.BeginPhase(phase="Containment")),
        ("begin INC-2026-001 “Containment / 2”", c.BeginItem(phase="Containment", item="2")),
        ("done INC-2026-001 Phase 2: Containment", c.FinishPhase(phase="Phase 2: Containment")),
        ("done INC-2026-001 Containment / stop / start", c.FinishItem(phase="Containment", item="stop / start")),
        ("finish INC-2026-001 I/O checks", c.FinishPhase(phase="I/O checks")),
    ],
)
def test_a_command_names_its_incident(text, command):
    assert parse(text, GUIDE) == Act("INC-2026-001", command)


def test_in_its_own_channel_an_incident_need_not_be_named():
    assert parse("ack", GUIDE) == Act("", c.Acknowledge())
    assert parse("update we are rolling back", GUIDE) == Act("", c.PostUpdate(text="we are rolling back"))


def test_somebody_gets_a_role():
    assert parse("assign INC-2026-001 <@U1|ben> as Scribe", GUIDE) == Assign("INC-2026-001", "<@U1|ben>", "Scribe")
    assert parse("assign @ben", GUIDE) == Assign("", "@ben", "")
    assert said.mentioned("<@U1|ben>") == "U1"
    assert said.mentioned("@ben") is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("create", 'create "Dashboard Outage - P1"'),
        ("escalate INC-2026-001", "escalate INC-2026-001 nobody can log in"),
        ("severity INC-2026-001 SEV-0", "needs the severity and why"),
        ("status INC-2026-001 fine", "investigating, identified"),
        ("assign", "@ben as Incident Commander"),
        ("update INC-2026-001", "rolling back"),
        ("begin INC-2026-001", "Containment / 2"),
        ("done INC-2026-001 / isolate", "needs a phase, or a phase and a step"),
        ('create "x" --colour red', "--service NAME or --drill"),
        ("frobnicate", "/incident help"),
    ],
)
def test_what_is_misunderstood_is_answered_with_what_would_be_understood(text, hint):
    with pytest.raises(Misunderstood, match=re.escape(hint)):
        parse(text, GUIDE)


@given(st.text(max_size=300) | st.text("\"'“”‘’-–— createackupdateP1:()[]\n", max_size=80))
def test_anything_is_understood_or_refused_in_words(text):
    for line in (
        text,
        f"create {text}",
        f"update INC-2026-001 {text}",
        f"assign {text}",
        f"begin {text}",
        f"done a / {text}",
        f"severity {text}",
    ):
        try:
            parse(line, GUIDE)
        except Misunderstood as refused:
            assert str(refused)
