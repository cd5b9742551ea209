"""Whether a scheme proves by its clocks alone that it is about incidents, whatever the page is called.

Three severities, each with its own short time in which somebody must answer, are a promise that people are called.
What may take days is planned work, and some subjects have such tables without being incidents: those are named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.guide.clocks import cell, clauses, clock_of, context_clock
from tocsin.guide.entries import Entry, Group
from tocsin.guide.ids import family
from tocsin.guide.inline import plain
from tocsin.guide.leads import lead_clock
from tocsin.guide.quantity import scan

IDS_MIN = 3  # two lines with a time each stand in any list
SOON_SECONDS = 24 * 3600  # whoever has longer to answer is not called
SOON_HOURS = 8  # a working day
SOON_MIN = 2  # the worst one may be urgent in a list of chores, too

_OTHER_SUBJECT = re.compile(
    r"vulnerab|schwachstell|уязвим|\bcves?\b|\bcvss\b|patch|disclos|bounty|pen(?:etration)?[\s-]?test|\bscan|\bfindings?\b|remediat|\bbugs?\b|defect"
    r"|\btickets?\b|help\s?desk|service desk|\brequests?\b|\btasks?\b|backlog|roadmap|\bissues?\b|pull request|code review|\baudit"
    r"|error budget|burn rate|backup|retention|\brpo\b|recovery|\balert|\blog(?:s|ging)?\b|\bmetrics?\b|\bkpis?\b|\brisks?\b|drill|post-?mortem|retrospective|example|sample"
    r"|\bapis?\b|\bskill\b|漏洞|脆弱性|补丁|告警|工单|缺陷|需求|任务|日志|备份|示例|アラート|バグ|チケット|サンプル|취약|알림|ejemplo|exemplo|beispiel",
    re.I,
)
# What somebody buys: the supplier answers, and the reader of the page does not.
_BOUGHT = re.compile(
    r"\bvendors?\b|\bsuppliers?\b|\bproviders?\b|third[\s-]part|\bpartners?\b|outsourc|\bonboarding\b|getting started|quick\s?start|\bintegra[tçc]|\bpricing\b|\bplans\b|\btiers?\b"
    r"|\bpackages?\b|subscri|licen[cs]|premium|enterprise|\bproveedor|\bfornecedor|fournisseur|anbieter|lieferant|поставщик|供应商|第三方|厂商|ベンダー|プラン|料金",
    re.I,
)
_PLAN = re.compile(
    r"(?:free|basic|standard|starter|developer|team|pro|professional|plus|business|premium|advanced|enterprise|ultimate|bronze|silver|gold|platinum)\b(?:\s+(?:plan|tier|support|customers?))?",
    re.I,
)
_SUPPORT = re.compile(r"\bsupport\b|\bsuporte\b|\bsoporte\b|\bcustomers?\b|\bclients?\b|поддержк|サポート|客服|客户|지원", re.I)  # fmt: skip
_CHORES = re.compile(r"priorit|prio\b|urgen|prioridad|приоритет|优先|優先|우선", re.I)
_TOLD = re.compile(r"updat|comm|status|report|notif|更新", re.I)
_GRADES = re.compile(r"sever|критичн|gravi|sévérité|schwere|严重|嚴重|重大度|심각", re.I)

Clocks = dict[str, tuple[str, float]]  # id -> (what the limit is, its seconds; infinity where it is not short)


def calls_somebody(group: Group, place: str, above: str) -> bool:
    """Whether three severities have their own times to answer, two of them within a day, in a place that allows it."""
    if _OTHER_SUBJECT.search(f"{place} {above} {' '.join(group.header)} {group.lead}") or _BOUGHT.search(place):
        return False
    kinds = {family(one) for one in group.ids}
    answered = _graded(_limits(group, "respond", "acknowledge"))
    resolved = _graded(_limits(group, "resolve", "mitigate"))
    near = f"{group.section.title} {group.section.parent.title if group.section.parent else ''}"
    if kinds <= {"sev", "p", "s"} and not (kinds != {"sev"} and _CHORES.search(f"{group.header[:1]} {near}")):
        told = _graded(_limits(group, "cadence", "updates"))
        return (answered and resolved) if _SUPPORT.search(place) else (answered or (told and kinds == {"sev"}))
    words = kinds == {""} and _GRADES.search(" ".join(group.header[:2]))
    return bool(words) and answered and resolved and not _SUPPORT.search(place)


def by_plan(group: Group) -> bool:
    """Whether the columns are plans that a customer may have."""
    return sum(bool(_PLAN.fullmatch(head)) for head in group.header) >= 2


def has_times(group: Group) -> bool:
    """Whether something beside two severities is a time: a list of what a tool does for each has none."""
    return sum(any(scan(plain(field.value)) for field in entry.fields) for entry in group.entries) >= 2


def _graded(limits: Clocks) -> bool:
    soon = sum(seconds <= SOON_SECONDS for _, seconds in limits.values())
    return len(set(limits.values())) >= IDS_MIN and soon >= SOON_MIN


def _limits(group: Group, *names: str) -> Clocks:
    """The first limit of these kinds that each severity has."""
    context = lead_clock(group.lead) or context_clock(group.section.title)
    found: Clocks = {}
    for entry in group.entries:
        limit = next((one for one in _said(entry, context, names) if one), None)
        if limit:
            found.update(dict.fromkeys(entry.named.ids, limit))
    return found


def _said(entry: Entry, context: str, names: tuple[str, ...]) -> Iterator[tuple[str, float] | None]:
    for field in entry.fields:
        kind = clock_of(field.label)
        if kind in names and (kind != "cadence" or _TOLD.search(field.label)):
            yield _limit(field.value, field.label)
    if entry.text and context in names:
        yield _limit(entry.text, "")
    for text in (entry.text, *entry.bullets, *entry.named.asides):
        for name, limit in clauses(text):
            if name in names:
                yield str(limit.seconds or limit.text), float("inf") if limit.seconds is None else limit.seconds


def _limit(value: str, header: str) -> tuple[str, float] | None:
    quantity = cell(value, header)
    if quantity is None or quantity.kind in ("none", "placeholder"):
        return None
    seconds = quantity.value[1] if isinstance(quantity.value, tuple) else quantity.value
    if quantity.kind in ("elapsed", "range", "interval") and isinstance(seconds, int):
        return str(seconds), seconds
    if quantity.kind == "business_hours" and isinstance(seconds, int) and seconds <= SOON_HOURS:
        return f"{seconds} business hours", seconds * 3600
    return plain(value).casefold(), float("inf")
