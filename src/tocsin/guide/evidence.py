"""How much a candidate looks like the definition of the guide's severities, and what speaks against it."""

from __future__ import annotations

import re

from tocsin.guide.blocks import Document
from tocsin.guide.clocks import clauses, clock_of, context_clock
from tocsin.guide.entries import Entry, Group
from tocsin.guide.ids import family, is_word, number
from tocsin.guide.inline import plain
from tocsin.guide.promises import by_plan, calls_somebody, has_times
from tocsin.guide.quantity import scan

SCORE_MIN = 6  # less evidence than this is not a scheme: one table of colours, one list of adjectives
_SEVERE = re.compile(
    r"(?<!\bby )(?<!\bper )(?:severit|priorit)|\bsev[\s‑-]?levels?\b|classif|incident levels?|levels? of|triage|등급|심각도|критичност|классификац|уровни|severidad|prioridad|niveles|clasificaci|severidade|schwere|klassifi|gravité|sévérité|criticité|priorité|niveaux?\b|分级|分級|级别|級別|等级|等級|严重|嚴重|优先级|優先|重大度|深刻度|レベル|심각|등급|klasifikasi|keparahan|mức độ|nghiêm trọng|sla|response times?|impact levels",
    re.I,
)
ELSEWHERE = re.compile(
    r"vulnerab|patch|cvss|disclos|bounty|support (?:ticket|plan|tier)|error budget|burn rate|retention|rpo\b|backup|slos?\b|timelock|alerts?\b|alerting"
    r"|routing|metrics?|kpi|mttr|drill|risk (?:register|matrix|assessment)|action items?|bug|remediation|contacts?|on-call (?:pay|compensation)",
    re.I,
)
_PROCEDURE = re.compile(
    r"escalat|communicat|notif|template|procedure|process|playbook|runbook|checklist|update|cadence|on-?call|post-?incident|post-?mortem|matrix|workflow|steps|scenario",
    re.I,
)
_LEVELS = re.compile(
    r"^(?:[\d.]+\s+)?(?:incident\s+)?(?:severity|priority)\s+(?:levels?|definitions?|classification|matrix|scale)$",
    re.I,
)

# Words that only a page about incidents has. "Response time" is none of them: a feedback form and a sales team have one.
_INCIDENTS = re.compile(
    r"\bincident|\bemergenc(?:y|ies)\b|\bescalation\b|\boutage|\bdowntime|\bon-?call\b|\bpager|\bdisruption|post-?mortem|\bwar\s?room|\bdata breach|security breach"
    r"|\bvorf[aä]ll|\bst[oö]rung|\bausfall|\bpannes?\b|\bastreinte|indisponibilité|\binsiden\b|sự cố|\bincidente|\bincidencias?\b|инцидент|авари|\bсбо[йеяи]|장애|사고|障害|インシデント|事件|事故|故障|资安|資安",
    re.I,
)
# A scheme under one of these headings grades something else, whatever the rest of the page is about.
_OTHER_SUBJECT = re.compile(
    r"\bbugs?\b|\bdefects?\b|\bcontribut|\bbacklog\b|\broadmap\b|\bfeature requests?\b|\bblockers?\b|\btest (?:plan|case|strategy)|\bcvss\b|\bpatch(?:ing)?\b|backport"
    r"|\bcode review|\bpull requests?\b|\bgame\b|\blaunch\b",
    re.I,
)
_REVIEWED = re.compile(r"\breviews?\b|\bpost-?mortem|\bretrospective|\bpost-?incident|\broot[\s-]cause", re.I)
_SEVERITY = re.compile(
    r"^(?:[\d.]+\s+)?severity(?:[\s-]+(?:levels?|definitions?|classification|matrix|scale|guide))?$", re.I
)
# "High (4 issues)": a heading of a report counts what was found and defines nothing.
_COUNTED = re.compile(r"\d{1,4}\s*(?:issues?|findings?|items?|bugs?|defects?|vulnerabilit\w+|alerts?|incidents?|tickets?|total|open|fixed|resolved)?", re.I)  # fmt: skip
# A page about alerts, support or an interface has severities of its own, whatever they are called.
_OTHER_PAGE = re.compile(
    r"\balerts?\b|\balerting\b|\bmonitor(?:ing)?\b|\bsupport\b|\bsuporte\b|\bsoporte\b|\bapis?\b|\bonboarding\b|\bintegra(?:tion|ção|ción)\b|\blogging\b|监控|告警|モニタリング|アラート|мониторинг",
    re.I,
)
_DESK = re.compile(r"\bsupport\b|help\s?desk|service\s?desk|\btickets?\b|\bsuporte\b|\bsoporte\b|客服|工单", re.I)
_TICKETS = re.compile(r"\btickets?\b|help\s?desk|service\s?desk|工单", re.I)
_ESCALATES = re.compile(r"\bescalat\w+", re.I)
# "Another company uses this:" above a scheme: it is shown and not set.
_SOMEBODY_ELSES = re.compile(
    r"\b(?:an?other|some|many|most|other|a|one)\s+(?:[\w-]+\s+)?(?:compan(?:y|ies)|organi[sz]ations?|firms?|startups?|vendors?|teams)\b[^.]{0,80}\b(?:uses?|using|used|defines?|has|have)\b"
    r"|\b(?:might|could|may)\s+look\s+(?:something\s+)?like|\blooks\s+something\s+like|\bas\s+(?:used|defined|described)\s+(?:by|at|in)\s+(?!this|our|the\s+(?:policy|sla))"
    r"|\b(?:here(?:'s| is)|this is|consider|take)\s+an?\s+(?:common|typical|simple|sample|good|popular|basic|possible)?\s*(?:example|template)\b|\bfor example,? (?:a|an|some|many)\b"
    r"|^\W*(?:例如|比如|例えば|例|示例|예|예시|for (?:example|instance)|e\.g\.|(?:an? )?example|sample|beispiel|ejemplo|exemplo|exemple)\W*$"
    r"|\b(?:atlassian|google|pagerduty|netflix|incident\.io|gitlab|firehydrant)(?:'s)?\s+(?:(?!(?:with|the|to|for|and|on|by)\b)\w+\s+){0,3}(?:uses?|defines?|levels|severit\w+|scale|framework)",
    re.I,
)
# "Not implemented yet" or "Proposed" above a scheme: it is wished for and not in force.
_PLANNED = re.compile(
    r"\bnot\s+(?:yet\s+)?(?:been\s+)?(?:implemented|in (?:force|effect|place|use)|adopted|agreed|enforced|started|ratified)\b|\bto be (?:defined|decided|agreed|written|implemented)\b"
    r"|^\W*(?:(?:status|state)\W+)?(?:todo|tbd|planned|proposed|coming soon|not started|future work)\b",
    re.I,
)
_PLANNED_TITLE = re.compile(
    r"\b(?:todo|tbd|planned|proposed|proposal|future|not (?:yet )?implemented|wish ?list)\b", re.I
)
PLANNED_CHARS_MAX = 200  # a longer paragraph speaks of more than whether the scheme is in force
_META_PAGE = re.compile(r"\bskill$|game design|\bchange ?log\b|release notes|\broadmap\b|\bissue template\b", re.I)


_SPELT = re.compile(r"sev(?:erity)?\s\d$", re.I)  # "Severity 1" is nothing else, whatever stands above it


def describes(group: Group) -> bool:
    """Whether the candidate says what its severities mean."""
    clocks = {clock_of(field.label) for entry in group.entries for field in entry.fields}
    return bool(clocks & {"description", "examples"}) or any(entry.text or entry.bullets for entry in group.entries)


def names_incidents(title: str) -> bool:
    """Whether a title says that the page is about incidents."""
    return bool(_INCIDENTS.search(title)) and not _META_PAGE.search(title)


def about_incidents(group: Group, document: Document) -> bool:
    """Whether the page and the place of the scheme speak of incidents: a roadmap has priorities too, with the same ids.

    A heading with such a word is enough; else two lines outside the scheme itself must have one.
    """
    titles = [section.title for section in document.sections() if section.level]
    top = titles[0] if titles else ""
    if _META_PAGE.search(top) or any("cvss" in head.casefold() for head in group.header):
        return False
    place = " / ".join(group.section.path()[1:])
    if _OTHER_SUBJECT.search(place) and not _INCIDENTS.search(place):
        return False
    if sum(_is_counted(entry) for entry in group.entries) >= 2:
        return False
    if by_plan(group) and not describes(group):
        return False
    said_above = _above(group, document)
    if _SOMEBODY_ELSES.search(said_above):
        return False
    kinds = {family(one) for one in group.ids}
    if _DESK.search(f"{top} / {place}"):  # a desk escalates its tickets too
        titles = [title for title in titles if _INCIDENTS.search(_ESCALATES.sub(" ", title))]
        if _TICKETS.search(place) and not _INCIDENTS.search(_ESCALATES.sub(" ", f"{top} / {place}")):
            return False
    if any(_INCIDENTS.search(title) for title in titles) or _INCIDENTS.search(_bold_line(said_above)):
        return True
    if calls_somebody(group, f"{top} / {place}", said_above):
        return True
    elsewhere = _OTHER_PAGE.search(f"{top} / {place}")
    said = describes(group) or has_times(group)
    if not elsewhere and said and ("sev" in kinds or ("" not in kinds and _SEVERITY.match(group.section.title))):
        return True
    first, last = group.line, max(entry.line for entry in group.entries)
    around = (line for n, line in enumerate(document.lines, 1) if not first <= n <= last)
    return sum(1 for line in around if _INCIDENTS.search(line, 0, 2000)) >= 2


def _is_counted(entry: Entry) -> bool:
    """Whether a line says how many there were: "High (4 issues)", or a row of nothing but numbers."""
    values = [plain(field.value).strip() for field in entry.fields if field.value.strip()]
    if any(clock_of(field.label) for field in entry.fields):
        values = []  # "15" under "Response (minutes)"
    numbers = bool(values) and all(re.fullmatch(r"\d{1,6}(?:[.,]\d+)?\s*%?", value) for value in values)
    return any(_COUNTED.fullmatch(aside) for aside in entry.named.asides) or (numbers and not entry.text)


def planned(group: Group, document: Document) -> bool:
    """Whether the place of the candidate says that it is not in force."""
    above = _above(group, document)
    said = len(above) <= PLANNED_CHARS_MAX and _PLANNED.search(plain(above).lstrip("> "))
    return bool(said) or bool(_PLANNED_TITLE.search(group.section.title))


def _bold_line(above: str) -> str:
    """The bold words that a paragraph begins with, where a heading might stand."""
    found = re.match(r"(?:\*\*|__)(.{3,80}?)(?:\*\*|__)", above)
    return found[1] if found else ""


def _above(group: Group, document: Document) -> str:
    """The paragraph right above the scheme."""
    said: list[str] = []
    for line in reversed(document.lines[max(group.line - 12, 0) : group.line - 1]):
        if not line.strip():
            if said:
                break
            continue
        if line.lstrip().startswith("```") and not said:
            continue  # the scheme stands in a fence
        if re.match(r"\s*(?:[#|<-]|\*\s)", line):
            break
        said.append(line.strip())
    return " ".join(reversed(said))[:1000]


def score(group: Group) -> int:
    """How much the candidate looks like the definition of the guide's scheme."""
    title, path = group.section.title, group.section.where
    clocks = {clock_of(field.label) for entry in group.entries for field in entry.fields}
    if group.form == "procedures" or _only_afterwards(group):
        return 0
    points = {"table": 5, "columns": 4, "headings": 4, "bullets": 3, "bold": 3, "fence": 2}[group.form]
    points += 4 if _SEVERE.search(title) or _SEVERE.search(group.lead) else 2 if _SEVERE.search(path) else 0
    said = any(re.search(r"sever|priorit|^sev$", head, re.I) for head in group.header[:2])
    points += 2 if said else 0
    described = describes(group)
    points += 3 if described else 0
    points += 3 if clocks & {"respond", "acknowledge"} else 0
    points += 1 if "resolve" in clocks else 0
    points += 3 if not clocks & {"respond", "acknowledge"} and _in_titles(group) else 0
    numbers = sorted(each for one in group.ids if (each := number(one)) is not None)
    if numbers and len(numbers) == len(group.ids) and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        points += 2
    if numbers and group.form != "headings" and all(is_word(entry.named.name) for entry in group.entries):
        points += 2  # "SEV1 (Critical)" names a severity whatever stands above it
    points += 2 if _LEVELS.match(title) else 0
    if group.form == "headings":
        points += 2 if all(not entry.named.name or is_word(entry.named.name) for entry in group.entries) else 0
    points -= 6 if ELSEWHERE.search(title) and not context_clock(title) else 3 if ELSEWHERE.search(path) else 0
    if _PROCEDURE.search(title) and not _SEVERE.search(title) and group.section.level > 1:  # a page is called "On-call"
        points -= 2 if said and clocks & {"respond", "acknowledge"} else 4
    points -= 3 if len(group.ids) < 3 else 0
    points += 1 if described and _SEVERITY.match(title) else 0
    points += 1 if all(_SPELT.match(one) for one in group.ids) else 0
    if group.form == "table" and not described and not any(clocks) and not _SEVERE.search(title):
        points -= 4  # "Severity | Channels" says what is done for each, and defines none
    points += 8 if _is_ladder(group) and not described else 0
    return points - _weak_words(group)


def _only_afterwards(group: Group) -> bool:
    """Whether all that is said of each severity is how it is reviewed."""
    said = [plain(entry.text) for entry in group.entries if entry.text]
    return len(said) == len(group.entries) and all(_REVIEWED.search(text) for text in said)


def _in_titles(group: Group) -> bool:
    """Whether two headings or lines say themselves how soon somebody answers: "P1 (response time: 1 hour)"."""
    said = ((*entry.named.asides, entry.named.rest, entry.text) for entry in group.entries)
    return (
        sum(any(name in ("respond", "acknowledge") for text in each for name, _ in clauses(text)) for each in said) >= 2
    )


def _is_ladder(group: Group) -> bool:
    """`Severity | First responder | Escalation (30 min)`: where nothing else names the severities, this does."""
    kinds = {family(one) for one in group.ids}
    steps = [head for head in group.header if re.search(r"escalat", head, re.I) and scan(head)]
    return bool(steps) and len(group.ids) > 2 and kinds <= {"sev", "p", "priority"}


def _weak_words(group: Group) -> int:
    """Support levels, tiers and bare words need more around them than SEV-1 does."""
    kinds = {family(one) for one in group.ids}
    named_by_word = all(is_word(entry.named.name) for entry in group.entries)
    if kinds <= {"level", "lvl", "l", "tier", "t", "class", "cat"}:
        severe = _SEVERE.search(group.section.where) and "escalat" not in group.section.title.lower()
        return 0 if named_by_word and severe else 3 if severe else 9
    if kinds == {""}:
        if all(entry.named.graded for entry in group.entries):
            return 0
        return (
            2
            if _SEVERE.search(" / ".join(group.section.path()))
            or any("sever" in head.lower() for head in group.header[:1])
            else 6
        )
    return 0
