"""A guide states its business hours: in its front matter, in its own words, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.core.policy import BusinessHours, Finding, Source
from tocsin.guide.compile import Compiled, compile_guide
from tocsin.guide.lint import lint
from tocsin.guidefile import read_guide, with_hours

GUIDE = """# Incident response

## Severity

| Severity | Response time | Resolution target |
|---|---|---|
| P1 | 15 min | 4 hours |
| P2 | next business day | 2 business days |

"""


def front(*lines: str, mark: str = "---") -> Compiled:
    return compile_guide("\n".join((mark, *lines, mark, GUIDE)), "g.md")


def hours(compiled: Compiled) -> dict[str, object]:
    found = compiled.policy.business_hours
    return {} if found is None else {name: getattr(found, name) for name in found.__struct_fields__ if name != "source"}


def said(compiled: Compiled) -> list[Finding]:
    return [each for each in compiled.findings if each.rule == "GUIDE-HOURS"]


def test_front_matter_sets_hours_zone_and_holidays():
    compiled = front("owner: SRE", "business_hours: Mon-Thu 08:30-17:00", "time_zone: Europe/Berlin",
                     "holidays: [DE-BE, 2026-12-24, 2026-12-31]")  # fmt: skip

    assert hours(compiled) == hours_of(zone="Europe/Berlin", days=(0, 1, 2, 3), opens="08:30", country="DE",
                                       subdivision="BE", closures=("2026-12-24", "2026-12-31"))  # fmt: skip
    assert compiled.policy.business_hours.source == Source(line=3)
    assert said(compiled) == []
    assert "GUIDE-CALENDAR" not in {each.rule for each in lint(compiled)}


def hours_of(**given: object) -> dict[str, object]:
    found = BusinessHours(**given)
    return {name: getattr(found, name) for name in found.__struct_fields__ if name != "source"}


@pytest.mark.parametrize(
    "lines",
    [
        ("business hours: weekdays 9am-6pm ET", "holidays: US"),
        ("Business-Hours:", "  zone: Eastern Time", "  closes: '18:00'", "  country: US"),
        ("business_hours: {zone: America/New_York, days: Mon-Fri, closes: '18:00', country: US}",),
        ("working_hours: 9-18", "timezone: America/New_York", "holidays:", "  - US"),
    ],
)
def test_front_matter_is_written_in_several_ways(lines: tuple[str, ...]):
    assert hours(front(*lines)) == hours_of(zone="America/New_York", closes="18:00", country="US")


def test_front_matter_in_toml_is_read_too():
    compiled = front('time_zone = "Asia/Tokyo"', "holidays = ['JP', '2026-12-31']", mark="+++")

    assert hours(compiled) == hours_of(zone="Asia/Tokyo", country="JP", closures=("2026-12-31",))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("time_zone: Mars", "time_zone: expected an IANA name such as America/New_York, got 'Mars'"),
        ("business_hours: sometimes", "business_hours: expected hours such as Mon-Fri 09:00-17:00, got 'sometimes'"),
        ("business_hours: 8-11 UTC", "business_hours: expected hours with one reading, got '8-11 UTC': its hours"),
        ("business_hours: {opens: 18:00}", "business_hours.closes: expected a time after 18:00, got 17:00"),
        ("business_hours: {start: 9}", "business_hours.start: expected one of zone, days, opens, closes, country"),
        ("business_hours: {days: never}", "business_hours.days: expected days such as Mon-Fri, got 'never'"),
        ("business_hours: {closes: [17]}", "business_hours.closes: expected a text, got \"['17']\""),
        ("holidays: 24 Dec", "holidays: expected one country such as US or US-NY, or dates such as 2026-12-24, got"),
        ("holidays: US, DE", "holidays: expected one country"),
        ("holidays: XX", "business_hours.country: expected an ISO 3166 code such as DE or US, got 'XX'"),
        ("holidays: US-QQ", "business_hours.subdivision: expected one of"),
        ("time_zone: &a UTC", "front matter: "),
    ],
)
def test_what_is_wrong_in_front_matter_is_an_error_by_its_field(line: str, message: str, tmp_path: Path):
    compiled = front("owner: SRE", line)

    assert [(each.level, each.line) for each in said(compiled)] == [("error", 3)]
    assert said(compiled)[0].message.startswith(message)
    file = tmp_path / "g.md"
    file.write_text("\n".join(("---", line, "---", GUIDE)))
    with pytest.raises(ValueError, match=r"g\.md:2: "):
        read_guide(file)


@pytest.mark.parametrize(
    "text",
    [
        "Business hours are Mon-Fri 9am-5pm ET.\n",
        "Answer the same day. Our business hours: Monday to Friday, 9:00-17:00 America/New_York. Be kind.\n",
        "- **Business hours:** Mon-Fri, 9 AM - 5 PM Eastern Time\n",
        "| Term | Meaning |\n|---|---|\n| Business hours | Mon-Fri 9am-5pm ET |\n",
        "We answer in business hours (Mon-Fri, 9am-5pm ET).\n",
        "## Business Hours\n\n- Monday to Friday\n- 9:00 to 17:00\n- Time zone: ET\n",
    ],
)
def test_a_clear_statement_of_the_guide_is_taken(text: str):
    compiled = compile_guide(GUIDE + text, "g.md")

    assert hours(compiled) == hours_of(zone="America/New_York")
    line = compiled.policy.business_hours.source.line
    assert line >= 10 and any(word in compiled.lines[line - 1] for word in ("9", "Monday"))
    assert said(compiled) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Business hours are Mon-Fri 9am-5pm.", "it names no time zone"),
        ("Business hours are 9am-5pm ET.", "it names no days"),
        ("Business hours are Mon-Fri 9am-5pm IST.", "IST is the time of several places"),
        ("Call the desk outside business hours (Mon-Fri 9am-5pm ET).", "it may be about other hours"),
        ("Vendor business hours are Mon-Fri 9am-5pm ET.", "it may be about other hours"),
        ("## Business hours\n\nMon-Thu 9-17, Fri 9-14 UTC", "it has several hours"),
    ],
)
def test_what_has_two_readings_is_reported_and_not_taken(text: str, why: str):
    compiled = compile_guide(GUIDE + text + "\n", "g.md")

    assert compiled.policy.business_hours is None
    assert [each.level for each in said(compiled)] == ["warning"]
    assert why in said(compiled)[0].message


@pytest.mark.parametrize(
    "text",
    ["We answer within 4 business hours.", "Support is there in business hours only.",
     "P3: business hours, 1-2 days.", "## Template\n\nBusiness hours are Mon-Fri 9am-5pm IST."],
)  # fmt: skip
def test_what_states_no_hours_is_left_alone(text: str):
    compiled = compile_guide(GUIDE + text + "\n", "g.md")

    assert compiled.policy.business_hours is None and said(compiled) == []


def test_two_statements_that_differ_are_both_left():
    compiled = compile_guide(GUIDE + "Business hours are Mon-Fri 9-17 UTC.\n\nBusiness hours: Mon-Fri 8-17 UTC\n")

    assert compiled.policy.business_hours is None
    assert [(each.line, "on the lines 10, 12" in each.message) for each in said(compiled)] == [(12, True)]


def test_front_matter_beats_prose_and_its_zone_completes_it():
    text = GUIDE + "Business hours are Mon-Fri 8am-4pm.\n"

    beaten = compile_guide("---\nbusiness_hours: 10-18 UTC\n---\n" + text)
    completed = compile_guide("---\ntime_zone: Europe/Madrid\nholidays: ES\n---\n" + text)

    assert hours(beaten) == hours_of(opens="10:00", closes="18:00")
    assert hours(completed) == hours_of(zone="Europe/Madrid", opens="08:00", closes="16:00", country="ES")


def test_holidays_in_prose_need_a_country():
    known = compile_guide(GUIDE + "Business hours are Mon-Fri 9-17 ET, excluding US federal holidays.\n")
    unknown = compile_guide(GUIDE + "Business hours are Mon-Fri 9-17 ET, excluding company holidays.\n")

    assert hours(known) == hours_of(zone="America/New_York", country="US")
    assert hours(unknown) == hours_of(zone="America/New_York")
    assert ["names holidays and no country" in each.message for each in said(unknown)] == [True]


def test_the_installations_hours_are_those_of_a_guide_that_says_nothing(tmp_path: Path):
    silent, speaking = tmp_path / "silent.md", tmp_path / "speaking.md"
    silent.write_text(GUIDE)
    speaking.write_text(GUIDE + "Business hours are Mon-Fri 8am-4pm UTC.\n")
    default = BusinessHours(zone="Asia/Tokyo", country="JP")

    found = [with_hours(read_guide(path), default) for path in (silent, speaking)]

    assert [each.policy.business_hours.zone for each in found] == ["Asia/Tokyo", "UTC"]
    assert "GUIDE-CALENDAR" in {each.rule for each in read_guide(silent).findings}
    assert "GUIDE-CALENDAR" not in {each.rule for each in found[0].findings}
    assert with_hours(read_guide(silent), None) == read_guide(silent)
