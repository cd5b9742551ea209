"""Every rule a finding can name: what it says, why it matters, how to mend it. docs/findings.md is made from here."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Level = Literal["error", "warning", "note"]


class Said(NamedTuple):
    """One observation of a rule, before it is a finding."""

    rule: str
    line: int
    message: str


class LintRule(msgspec.Struct, frozen=True):
    """`level` is the usual level; `scope` says whether one guide is enough or several are compared."""

    id: str
    level: Level
    title: str
    why: str
    mend: str
    scope: Literal["guide", "guides"] = "guide"


_R = LintRule
RULES: tuple[LintRule, ...] = (
    _R("CON-01", "warning", "One id, several meanings", "A bare P1 means another response time in each guide.", "Name the guide with the id, or map the schemes.", "guides"),
    _R("CON-02", "warning", "Examples against the decision tree", "The same failure has two severities in one guide.", "Correct the example or the question."),
    _R("CON-03", "note", "One failure, several severities", "Two guides rate the same failure differently.", "Agree on one rating, or say why services differ.", "guides"),
    _R("CON-04", "warning", "Two escalation clocks", "Levels have their own limits and severities have intervals; the guide does not say which wins.", "Say which counts; Tocsin takes the smaller."),
    _R("CON-05", "warning", "Phases against clocks", "A phase lasts longer than the promise it serves.", "Give the phase or the target the other's time."),
    _R("CON-06", "warning", "One acronym, two metrics", "Two metrics share an acronym, so a number under it means nothing.", "Write different acronyms, such as MTTA and MTTR."),
    _R("CON-07", "note", "Review deadlines differ", "Guides want the review after different times.", "Agree on one, or leave it per service.", "guides"),
    _R("CON-08", "note", "The lowest severity runs on different calendars", "Next business day, one business day and 24 hours are three different promises.", "Choose one form.", "guides"),
    _R("CON-09", "warning", "Cadence differs by audience", "Two audiences of one incident are promised different intervals.", "Write one cadence per audience as a rule."),
    _R("CON-10", "note", "A report leaves severities out", "The report counts some severities only.", "Add the missing ones, or say that they are left out."),
    _R("CON-11", "warning", "Evidence is kept too late", "Commands change or destroy what a later step wants to preserve.", "Move the evidence step first."),
    _R("CON-12", "warning", "Expressions that no one metric satisfies", "count by () counts series and increase() needs a counter.", "Use sum by () over a counter."),
    _R("CON-13", "note", "Incident ids and units differ", "References or durations are written in several forms.", "Choose one form.", "guides"),
    _R("CON-14", "note", "Immediate is not a number", "Immediate means different times in different guides.", "Write the number alone.", "guides"),
    _R("CON-15", "error", "A command locks out the responder", "After it, the steps behind it cannot be run.", "Allow your own access first, or isolate at the edge."),
    _R("GUIDE-ALTERNATIVES", "warning", "Alternatives written as a sequence", "Whoever runs the block runs every one of them.", "Make each alternative a block of its own."),
    _R("GUIDE-CADENCE", "warning", "Template against rule", "A template promises another interval than the policy.", "Let the template say what the policy says."),
    _R("GUIDE-CALENDAR", "note", "Business time without a calendar", "Business days need a zone, hours and holidays.", "State business_hours in the front matter, or [business_hours] in tocsin.toml; until then Monday to Friday, 09:00-17:00 UTC counts."),
    _R("GUIDE-CLOCK", "warning", "A severity without a clock", "Nobody is late when nothing is promised.", "Give a response time."),
    _R("GUIDE-COMMENTED", "note", "A command that is commented out", "A step that is switched off looks like one.", "Delete it or make it a step."),
    _R("GUIDE-CONFLICT", "warning", "Said twice, differently", "One clock or cadence has two values in the guide.", "Say it once."),
    _R("GUIDE-CONTACT", "warning", "A contact that nobody can call", "The number or address is a placeholder.", "Write the real one, or bind the role to a person."),
    _R("GUIDE-DEPTH", "warning", "Nested too deeply", "Lists below forty levels are not read.", "Use fewer levels."),
    _R("GUIDE-DESTROY", "note", "A command that destroys", "It stands among ordinary steps.", "Say who approves it; Tocsin asks a second person."),
    _R("GUIDE-DRAFT", "warning", "A draft", "A guide that is not in force must not page anybody.", "Change its status when it is."),
    _R("GUIDE-FENCE", "warning", "A fence that is not what its tag says", "It is tagged as shell and is no shell.", "Change the tag."),
    _R("GUIDE-FIELD", "note", "A placeholder that nothing can fill", "Its name does not say what belongs there.", "Name it, such as [start time]."),
    _R("GUIDE-FOLLOW-UP", "note", "A follow-up without a time", "Nobody knows when it is late; five business days after the resolution count.", "Write by when, such as: within 3 business days."),
    _R("GUIDE-HANGS", "warning", "A command that waits or never ends", "It blocks the run, or waits for a terminal that is not there.", "Give it a limit or input."),
    _R("GUIDE-HOURS", "warning", "Business hours that cannot be taken", "Deadlines in business days count on another calendar than the guide means.", "State business_hours, time_zone and holidays in the front matter."),
    _R("GUIDE-LADDERS", "note", "A second escalation ladder", "Two ladders for the same incidents.", "Keep one, or name its severities."),
    _R("GUIDE-LINK", "warning", "A dead link", "Policy may stand behind it.", "Correct the link."),
    _R("GUIDE-LONG", "warning", "A table that is too long", "Only its first 5,000 rows are read.", "Keep data out of the guide."),
    _R("GUIDE-LOOKALIKE", "note", "A table that looks like severities", "It has a severity column and defines none.", "Nothing, if that is meant."),
    _R("GUIDE-NO-CADENCE", "note", "No update cadence", "Nobody is reminded to tell anybody.", "Write how often whom is told."),
    _R("GUIDE-NO-POLICY", "error", "Not an incident-response policy", "Nothing defines severities.", "Define them."),
    _R("GUIDE-NOBODY", "note", "A level or role without a reachable person", "Whoever it names has no contact in the guide.", "Add a contact, or bind the role to a person."),
    _R("GUIDE-NOOP", "warning", "A command that does nothing", "It does not do what it looks like.", "See the message."),
    _R("GUIDE-NOT-UNDERSTOOD", "note", "Not understood", "The line names a time and nothing was made of it.", "Reword it, if it is policy."),
    _R("GUIDE-OFF", "warning", "A rule switched off without a reason", "The next reader cannot know why.", "Write the reason behind the rule's id."),
    _R("GUIDE-ORDER", "warning", "Clocks in the wrong order", "A milder severity is promised faster, or the resolution before the response.", "Correct one of them."),
    _R("GUIDE-PERIOD", "note", "Upkeep without a period", "Nobody knows when it is late, so nobody is reminded.", "Say how often: monthly, quarterly, once a year."),
    _R("GUIDE-PLACEHOLDER", "warning", "A clock that is not filled in", "TBD is no promise.", "Fill it in."),
    _R("GUIDE-REVIEW", "warning", "The document's own review is overdue", "The guide says when it is to be reviewed, and that day has passed.", "Review it and move the date."),
    _R("GUIDE-ROLE", "note", "A role that is defined nowhere", "An escalation names somebody the guide does not define.", "Define the role."),
    _R("GUIDE-SCHEMES", "note", "A second severity scheme", "Two scales in one guide.", "Keep one, or map them."),
    _R("GUIDE-SPLIT", "note", "Policy in another file", "A section only points elsewhere.", "Compile that file too, or include it."),
    _R("GUIDE-STUB", "error", "Not started", "The guide says so itself.", "Write it."),
    _R("GUIDE-TIMER", "note", "A promise that starts no timer", "A milestone or a word is no time.", "Write a time."),
    _R("GUIDE-TREE", "note", "A branching decision tree", "Only an ordered list of questions is run.", "One question per line: question -> severity."),
    _R("GUIDE-UNCONFIRMED", "note", "A cadence that stands only in a template", "It starts no timer until somebody confirms it.", "State it as a rule."),
    _R("GUIDE-UNMARKED", "note", "An unmarked placeholder in a command", "It runs as it stands, with the wrong value.", "Mark it, such as <value>."),
    _R("GUIDE-UNREAD", "note", "A time that was not read", "It says more than one thing, or nothing exact.", "See the hint."),
    _R("GUIDE-UNREADABLE", "error", "Unreadable", "The file is no text.", "Give a Markdown file."),
    _R("SRC-02", "note", "Double-encoded text repaired", "The file was saved through a wrong encoding.", "Save it as UTF-8."),
    _R("SRC-BOM", "note", "Byte-order mark ignored", "Some tools show it as a character.", "Save without it."),
    _R("SRC-CRLF", "note", "Windows line ends", "They were read as line ends.", "Nothing."),
    _R("SRC-ESCAPED", "note", "An escaped page", "An editor put a backslash before every mark.", "Save it without them."),
    _R("SRC-FENCE", "note", "A nested fence repaired", "CommonMark would end the outer fence early.", "Use four backticks outside."),
    _R("SRC-FRONT", "note", "Front matter", "It was read as metadata.", "Nothing."),
    _R("SRC-MDX", "note", "Program text left out", "MDX, ERB or Liquid is no policy.", "Nothing."),
)  # fmt: skip
BY_ID: dict[str, LintRule] = {rule.id: rule for rule in RULES}
