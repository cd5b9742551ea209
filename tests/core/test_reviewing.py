"""The review: words that are kept, a checklist that is ticked, parts that a document lacks, what the law asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.core.lives import Life, minutes, world
from tocsin.core import commands as c, facts as f, reviewing
from tocsin.core.policy import Review, Runbook
from tocsin.core.reviewing import parts, sheet
from tocsin.core.state import KnownInstant, Owing
from tocsin.core.view import words

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
REVIEW = Review(
    agenda=("Timeline", "What we learned"),
    framework=("What Happened: the facts", "Why"),
    checklist=("Invite everybody", "Read the timeline"),
)


@pytest.fixture
def life() -> Life:
    return Life(world(review=REVIEW), at=T0)


def shown(life: Life) -> reviewing.ReviewSheet:
    return sheet(life.now, life.world.policy)


def test_what_is_written_is_kept_replaced_and_taken_back(life: Life):
    life.does(c.WriteReview(by="ana", field="What Went Well", text=" paged at once\nno panic "), T0 + minutes(1))
    same = life.does(c.WriteReview(by="ben", field="what went well", text="paged at once\nno panic"), T0 + minutes(2))
    life.does(c.WriteReview(by="ben", field="Why", text="a full disk"), T0 + minutes(3))

    assert same == []
    assert shown(life).lessons == {"well": ("paged at once", "no panic")}
    assert [(each.name, each.asks, each.answer) for each in shown(life).framework] == [
        ("What Happened", "the facts", ""),
        ("Why", "", "a full disk"),
    ]
    life.does(c.WriteReview(by="ben", field="WHAT WENT WELL", text=""), T0 + minutes(4))
    assert shown(life).written == {"Why": "a full disk"}


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (c.WriteReview(by="ana", field=" ", text="x"), "field: expected 1 to 200 characters, got 0"),
        (c.WriteReview(by="ana", field="Why", text="x" * 5001), "text: expected at most 5000 characters, got 5001"),
        (c.TickReview(by="ana", item="3"), "item: expected a number from 1 to 2 or one of Invite everybody; Read"),
        (c.TickReview(by="ana", item="Sing"), "item: expected a number"),
    ],
)
def test_what_cannot_be_is_named(life: Life, command: c.AnyCommand, error: str):
    with pytest.raises(ValueError, match=error):
        life.does(command, T0 + minutes(1))


def test_a_guide_without_a_checklist_has_nothing_to_tick():
    with pytest.raises(ValueError, match="the guide has none"):
        Life(world(), at=T0).does(c.TickReview(by="ana", item="1"), T0 + minutes(1))


def test_items_are_ticked_by_number_or_words_and_unticked(life: Life):
    life.does(c.TickReview(by="ana", item="2"), T0 + minutes(1))
    life.does(c.TickReview(by="ana", item="invite EVERYBODY"), T0 + minutes(2))
    again = life.does(c.TickReview(by="ana", item="1"), T0 + minutes(3))
    life.does(c.TickReview(by="ana", item="2", done=False), T0 + minutes(4))

    assert again == []
    assert [(each.text, each.done) for each in shown(life).checklist] == [
        ("Invite everybody", True),
        ("Read the timeline", False),
    ]


RUNBOOKS = (Runbook(title="Database unavailable"), Runbook(title="Queue too long"))


def test_a_kind_of_incident_that_no_runbook_fits_is_to_be_added_to_the_guide():
    life = Life(world(review=REVIEW, runbooks=RUNBOOKS), at=T0)

    assert [each.text for each in shown(life).checklist] == [*REVIEW.checklist, reviewing.PATTERN]
    life.does(c.TickReview(by="ana", item="3"), T0 + minutes(1))
    assert shown(life).checklist[2].done
    life.does(c.SetCategory(by="ana", category="database"), T0 + minutes(2))
    assert shown(life).checklist[2].done  # it was done for this incident, whatever fits by now


def test_one_that_a_runbook_fits_is_known_and_so_is_one_that_was_none():
    known = Life(world(review=REVIEW, runbooks=RUNBOOKS), at=T0, title="The database is slow")
    none = Life(world(review=REVIEW, runbooks=RUNBOOKS), at=T0)
    none.does(c.MarkFalsePositive(by="ana", because="a test"), T0 + minutes(1))

    assert [each.text for each in shown(known).checklist] == list(REVIEW.checklist)
    assert [each.text for each in shown(none).checklist] == list(REVIEW.checklist)


def test_a_document_gets_what_its_template_has_no_heading_for(life: Life):
    life.does(c.TickReview(by="ana", item="1"), T0 + minutes(1))
    life.does(c.WriteReview(by="ana", field="Why", text="a full\ndisk"), T0 + minutes(2))

    everything = parts(shown(life), "# Review\n\ntext")
    less = parts(shown(life), "# Review\n\n## Agenda\n\n**Meeting checklist**\n")

    assert "## Agenda\n\n1. Timeline\n2. What we learned\n" in everything
    assert "- **What Happened** (the facts): ____\n- **Why**: a full; disk\n" in everything
    assert "- [x] Invite everybody\n- [ ] Read the timeline\n" in everything
    assert "Agenda" not in less and "Checklist" not in less and "Root Cause Analysis Framework" in less


def test_the_law_stands_in_the_review_with_what_was_given_and_when(life: Life):
    owing = Owing(obligation="gdpr-33", regime="GDPR", text="notify", recipients=("the authority",), citation="Art. 33",
                  instant="aware", since=T0, due_at=T0 + timedelta(hours=72))  # fmt: skip
    given = msgspec.structs.replace(owing, first_submitted_at=T0 + timedelta(hours=80), receipt="by form as 17")
    known = KnownInstant(happened_at=T0, recorded_at=T0, decided_by="dpo", because="data was read", holds=True)
    nothing = parts(shown(life), "")
    found = msgspec.structs.replace(shown(life), obligations=(owing, given), instants={"personal_data_breach": known})

    said = parts(found, "")

    assert "No instant that a law counts from was recorded" in nothing and "No instant" not in said
    assert "- personal data breach at 2026-11-23 03:00 UTC, decided by dpo: data was read\n" in said
    assert said.count("- GDPR (Art. 33): notify to the authority, due ") == 2 and said.count(", not given") == 1
    assert ", late (by form as 17)" in said


@pytest.mark.parametrize(
    "fact", [f.ReviewWritten(at=T0, by="a", field="Why", text="x"), f.ReviewTicked(at=T0, item="y")]
)
def test_the_timeline_says_so(fact: f.AnyFact):
    assert words(fact) in ("Written for the review, Why: x", "Review checklist: y")
