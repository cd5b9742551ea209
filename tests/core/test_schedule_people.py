"""A schedule among a guide's words: whoever is on call at the instant of the decision."""

from __future__ import annotations

from datetime import UTC, datetime

from tocsin.core.people import Directory, Person, who
from tocsin.core.rotation import Participant, Rotation
from tocsin.core.schedule import Layer, Override, Schedule

MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
TUESDAY = datetime(2026, 6, 2, 12, tzinfo=UTC)

ROTATION = Rotation(
    unit="day",
    anchor=datetime.fromisoformat("2026-06-01T09:00"),
    participants=(Participant(people=("ana",)), Participant(people=("ben",))),
)
COVER = Override(add="cyd", start=TUESDAY, end=TUESDAY.replace(hour=13))
PRIMARY = Schedule(name="Primary on-call", layers=(Layer(rotation=ROTATION),), overrides=(COVER,))
PEOPLE = {name: Person(id=name) for name in ("ana", "ben", "cyd", "dan")}


def meant(*words: str, at: datetime | None, **more) -> list[str]:
    directory = Directory(people=PEOPLE, schedules={"primary": PRIMARY}, at=at, **more)
    return [person.id for person in who(directory, words)]


def test_a_schedule_means_whoever_is_on_call_then():
    assert meant("schedule:primary", at=MONDAY) == ["ana"]
    assert meant("schedule:primary", at=TUESDAY) == ["ben", "cyd"]


def test_a_schedule_is_found_by_its_name_in_any_letter_case():
    assert meant("primary ON-CALL", at=MONDAY) == meant("Schedule: Primary", at=MONDAY) == ["ana"]


def test_a_guides_words_may_be_bound_to_a_schedule():
    assert meant("L1 engineer", at=MONDAY, bindings={"L1 Engineer": ("schedule:primary", "dan")}) == ["ana", "dan"]


def test_without_an_instant_a_schedule_means_everybody_who_ever_has_a_turn():
    assert meant("schedule:primary", at=None) == ["ana", "ben", "cyd"]


def test_somebody_inactive_or_unknown_is_nobody():
    people = {"ana": Person(id="ana", active=False)}
    directory = Directory(people=people, schedules={"primary": PRIMARY}, at=MONDAY)

    assert who(directory, ("schedule:primary",)) == ()
    assert who(directory, ("schedule:none",)) == ()
