"""What is wrong with one guide, beyond what the compiler could not read. Pure: dates and files come as arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise

import msgspec

from tocsin.core.policy import Deadline, Finding, Policy, Source
from tocsin.guide.blocks import Document, Section
from tocsin.guide.candidates import lookalikes
from tocsin.guide.compile import Compiled
from tocsin.guide.inline import plain, targets
from tocsin.guide.lint_commands import command_findings, commented
from tocsin.guide.lint_conflicts import conflict_findings
from tocsin.guide.rules import BY_ID, Said

_OFF = re.compile(r"tocsin:\s*off\s+([A-Z]+-[A-Z0-9-]+)\s*(.*)", re.I | re.S)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def lint(
    compiled: Compiled, *, today: date | None = None, exists: Callable[[str], bool] | None = None
) -> list[Finding]:
    """Every finding of a guide, the compiler's first, without those the guide switches off with a reason.

    `today` is needed to tell whether a review is overdue, `exists(target)` to tell whether a relative link is dead;
    without them these two are not looked at.
    """
    found = list(compiled.findings)
    if compiled.document is not None and compiled.policy.severities:
        checks = (
            _clocks,
            _order,
            _timers,
            _calendar,
            _people,
            _templates,
            _cadence,
            conflict_findings,
            command_findings,
        )
        for check in checks:
            found += [_finding(compiled, *said) for said in check(compiled.policy)]
        found += [_finding(compiled, *said) for said in _document(compiled.document, exists)]
        for line in commented(compiled.document):
            found.append(_finding(compiled, "GUIDE-COMMENTED", line, "a command is commented out in a step"))
        found += [_finding(compiled, *said) for said in _review(compiled.policy, compiled.document, today)]
    found = list(dict.fromkeys(found))
    return _switched(compiled, sorted(found, key=lambda each: (each.line, each.rule, each.message)))


def _finding(compiled: Compiled, rule: str, line: int, message: str) -> Finding:
    row = BY_ID[rule]
    return Finding(rule=rule, level=row.level, line=max(line, 1), message=message, hint=row.mend, file=compiled.name)


def _switched(compiled: Compiled, found: list[Finding]) -> list[Finding]:
    """Findings without the rules that a comment of the guide switches off; a comment without a reason is one more."""
    off: dict[str, str] = {}
    extra = []
    for line, comment in compiled.document.comments if compiled.document else ():
        said = _OFF.match(comment)
        if said and said[1].upper() in BY_ID and len(said[2].strip()) >= 3:
            off[said[1].upper()] = said[2]
        elif said:
            why = "no reason is given" if said[1].upper() in BY_ID else "there is no such rule"
            extra.append(_finding(compiled, "GUIDE-OFF", line, f"{said[1].upper()} is not switched off: {why}"))
    return [each for each in found if each.rule not in off or each.level == "error"] + extra


def line_of(source: Source | None) -> int:
    return source.line if source else 1


# --- clocks -----------------------------------------------------------------------------------------------------------


def _clocks(policy: Policy) -> Iterator[Said]:
    without = [each for each in policy.severities if each.respond_within is None]
    if len(without) == len(policy.severities):
        yield Said("GUIDE-CLOCK", line_of(without[0].source), "no severity has a response time")
        return
    for severity in without:
        yield Said("GUIDE-CLOCK", line_of(severity.source), f"{severity.id} has no response time")


def _order(policy: Policy) -> Iterator[Said]:
    for clock, name in (("respond_within", "response"), ("resolve_within", "resolution")):
        known = [(each, rough(getattr(each, clock))) for each in policy.severities]
        timed = [(each, seconds) for each, seconds in known if seconds is not None]
        for (worse, first), (milder, second) in pairwise(timed):
            if second < first:
                yield Said(
                    "GUIDE-ORDER",
                    line_of(milder.source),
                    f"{milder.id} has a faster {name} than {worse.id}, which is worse",
                )
    for severity in policy.severities:
        respond, resolve = rough(severity.respond_within), rough(severity.resolve_within)
        if respond is not None and resolve is not None and resolve < respond:
            yield Said(
                "GUIDE-ORDER", line_of(severity.source), f"{severity.id} is to be resolved before it is to be answered"
            )


def rough(limit: Deadline | None) -> int | None:
    """Seconds for comparing only: a business day counts as a day, an hour as an hour."""
    if limit is None or limit.milestone or limit.qualitative:
        return None
    if limit.seconds is not None:
        return limit.seconds
    if limit.business_hours is not None:
        return limit.business_hours * 3600
    if limit.calendar is not None:
        return {"same_day": 43200, "same_business_day": 43200}.get(limit.calendar, 86400)
    days = limit.business_days if limit.business_days is not None else limit.calendar_days
    return days * 86400 if days is not None else (limit.months or 0) * 30 * 86400


def _timers(policy: Policy) -> Iterator[Said]:
    for severity in policy.severities:
        for name, limit in (("response", severity.respond_within), ("resolution", severity.resolve_within)):
            if limit is not None and (limit.milestone or limit.qualitative):
                yield Said(
                    "GUIDE-TIMER", line_of(severity.source), f'{severity.id}: {name} "{limit.text}" starts no timer'
                )
            elif limit is not None and limit.seconds == 0:
                yield Said(
                    "GUIDE-TIMER", line_of(severity.source), f"{severity.id}: immediate {name} counts as 0 seconds"
                )


def _calendar(policy: Policy) -> Iterator[Said]:
    for severity in policy.severities:
        for limit in (severity.respond_within, severity.resolve_within):
            if (
                limit is not None
                and policy.business_hours is None
                and (limit.business_days or limit.business_hours or "business" in (limit.calendar or ""))
            ):
                message = f'{severity.id}: "{limit.text}" needs a calendar, and the guide sets none; Monday to Friday, 09:00-17:00 UTC counts'
                yield Said("GUIDE-CALENDAR", line_of(severity.source), message)


# --- people and messages ----------------------------------------------------------------------------------------------


def _people(policy: Policy) -> Iterator[Said]:
    contacts = [*policy.contacts, *(contact for role in policy.roles for contact in role.contacts)]
    for contact in contacts:
        fake = re.search(
            r"x{3}|555-?01|000-?0000|example\.(?:com|org)|your-|\[[^\]]+\]",
            " ".join((contact.phone, contact.email, contact.text)),
            re.I,
        )
        if fake:
            yield Said(
                "GUIDE-CONTACT",
                line_of(contact.source),
                f'{contact.role or contact.organisation or contact.name}: "{fake[0]}" is a placeholder',
            )
    names = (
        {role.name.casefold() for role in policy.roles}
        | {contact.role.casefold() for contact in contacts}
        | {contact.name.casefold() for contact in contacts}
    )
    reachable = {contact.role.casefold() for contact in contacts if contact.email or contact.phone or contact.name}
    if contacts:
        for role in policy.roles:
            if not role.contacts and not any(
                role.name.casefold() in name or (name and name in role.name.casefold()) for name in reachable
            ):
                yield Said("GUIDE-NOBODY", line_of(role.source), f"the role {role.name} has no contact in the guide")
    for level in policy.escalation.levels:
        for who in level.who:
            if not any(who.casefold() in name or (name and name in who.casefold()) for name in names):
                yield Said(
                    "GUIDE-ROLE",
                    line_of(level.source),
                    f'level {level.level} names "{who}", which the guide defines nowhere',
                )
        if not any(who.casefold() in name or name in who.casefold() for who in level.who for name in reachable if name):
            yield Said(
                "GUIDE-NOBODY",
                line_of(level.source),
                f"level {level.level} ({', '.join(level.who)}) has no contact in the guide",
            )


def _templates(policy: Policy) -> Iterator[Said]:
    for template in policy.templates:
        for field in template.typed_fields:
            if re.fullmatch(r"[XN]{1,6}|X|\.{3}|\w", field.placeholder.strip("[]<>{}$ ")) or field.name in (
                "number",
                "x",
                "n",
                "list",
                "type",
            ):
                line = line_of(template.source) + template.body[: template.body.find(field.placeholder)].count("\n") + 1
                yield Said(
                    "GUIDE-FIELD",
                    line,
                    f'template "{template.title}": {field.placeholder} does not say what belongs there',
                )


def _cadence(policy: Policy) -> Iterator[Said]:
    confirmed = [each for each in policy.cadences if each.confirmed]
    if not confirmed:
        yield Said(
            "GUIDE-NO-CADENCE", line_of(policy.severities[0].source), "the guide states no update cadence as a rule"
        )
    for cadence in policy.cadences:
        if not cadence.confirmed:
            whom = f"{', '.join(cadence.severities) or 'every severity'}, {cadence.audience}"
            yield Said(
                "GUIDE-UNCONFIRMED",
                line_of(cadence.source),
                f'"{cadence.every.text}" ({whom}) stands only in a template',
            )


# --- the document -----------------------------------------------------------------------------------------------------


def _document(document: Document, exists: Callable[[str], bool] | None) -> Iterator[Said]:
    for _, block, why in lookalikes(document):
        yield Said("GUIDE-LOOKALIKE", block.line, f"this table has a severity column and defines no severities: {why}")
    anchors = {_slug(section.title) for section in document.sections()} | {
        _slug(plain(section.raw)) for section in document.sections()
    }
    for line, text, target in _links(document):
        if target.startswith("#"):
            if _slug(target[1:]) not in anchors and target[1:].casefold() not in anchors:
                yield Said("GUIDE-LINK", line, f'"{text}" points to {target}, and there is no such heading')
        elif (
            exists is not None
            and not re.match(r"[a-z][a-z0-9+.-]*:|//|/", target, re.I)
            and not exists(target.split("#")[0].split("?")[0])
        ):
            yield Said("GUIDE-LINK", line, f'"{text}" points to {target}, which does not exist')
    for section in document.sections():
        if section.region == "policy" and _only_points(section):
            yield Said("GUIDE-SPLIT", section.blocks[0].line, f'"{section.title}" only points to another file')


def _only_points(section: Section) -> bool:
    """Whether a section about severities, escalation or contacts holds one link to another file and no more."""
    blocks = [block for block in section.blocks if not block.text.lstrip().startswith("<!--")]
    if len(blocks) != 1 or blocks[0].kind != "paragraph" or section.sections or len(blocks[0].text) > 250:
        return False
    about = re.search(r"sever|escalat|contact|communicat|on-?call", section.title, re.I)
    return bool(
        about and re.match(r"\s*(?:\W|please|see|refer|details|for)\b.{0,80}\]\([^)#][^)]*\.md", blocks[0].text, re.I)
    )


def _links(document: Document) -> Iterator[tuple[int, str, str]]:
    inside = {n for block in document.fences for n in range(block.line, block.end + 1)}
    for n, line in enumerate(document.lines, 1):
        if "](" in line and n not in inside:
            for text, target in targets(line[:5000]):
                yield n, text, target


def _slug(title: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.casefold()).strip()).strip("-")


def _review(policy: Policy, document: Document, today: date | None) -> Iterator[Said]:
    stated = policy.metadata.get("next_review", "")
    due = read_date(stated)
    if today is not None and due is not None and due < today:
        line = next((n for n, text in enumerate(document.lines, 1) if stated and stated in text), 1)
        yield Said("GUIDE-REVIEW", line, f"the next review was due {stated}")
    elif today is not None and due is None:
        yield from _upkeep(policy, today)


def _upkeep(policy: Policy, today: date) -> Iterator[Said]:
    """The guide says how often it is reviewed and when it was last changed: the sum of both has passed."""
    changed = read_date(policy.metadata.get("last_reviewed", "") or policy.metadata.get("last_updated", ""))
    for duty in policy.duties:
        seconds = rough(duty.every)
        own = re.search(
            r"\breview\b.{0,40}\b(?:procedures?|guide|plan|document|playbook|policy|process)", duty.title, re.I
        )
        if own and changed is not None and seconds and (today - changed).days * 86400 > seconds:
            yield Said("GUIDE-REVIEW", line_of(duty.source), f'"{duty.title}": the guide was last changed on {changed}')


def read_date(text: str) -> date | None:
    """The last day that a written date can mean: "October 2025" is its 31st; None for anything else."""
    iso = re.search(r"\b(\d{4})-(\d{2})-(\d{2})\b", text)
    year = re.search(r"\b(20\d{2})\b", text)
    named = re.search(r"[A-Za-z]{3,}", text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if year and named and named[0][:3].casefold() in _MONTHS:
            month = _MONTHS.index(named[0][:3].casefold()) + 1
            day = re.search(r"\b(\d{1,2})(?:st|nd|rd|th)?\b(?!\d)", text.replace(year[1], ""))
            if day:
                return date(int(year[1]), month, int(day[1]))
            following = date(int(year[1]) + month // 12, month % 12 + 1, 1)
            return date.fromordinal(following.toordinal() - 1)
    except ValueError:
        return None
    return None


def with_file(found: list[Finding], file: str) -> list[Finding]:
    return [msgspec.structs.replace(each, file=file) for each in found]
