"""Who is told: the audiences, what the guides call them, which template is theirs, and how plain they want it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from tocsin.core.approval import LEAD
from tocsin.core.policy import Policy, Template, elapsed

Detail = Literal["technical", "plain", "private"]
Purpose = Literal["update", "resolved", "action item", "report", "document"]


class Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an audience is told: a kind of sender and an address. `name` is how people read it."""

    kind: str
    address: str
    name: str = ""


class Audience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One audience.

    `outside`: it is not of the organisation; drills never reach it, and it never gets an inside link. `approval`: what
    is written for it is a draft until one of `approvers` (roles, people or teams) releases it. `auto`: changes of
    status are said without a person; never unless this is set. `detail`: technical; plain, where hints flag jargon; or
    private, for its own channels only. `words`: further names that a guide calls it by. `template`: the title of the
    guide's template to use instead of the one that fits. `every_seconds`: the cadence where the guide has none.
    """

    id: str
    name: str = ""
    channels: tuple[Channel, ...] = ()
    outside: bool = True
    approval: bool = True
    auto: bool = False
    detail: Detail = "plain"
    words: tuple[str, ...] = ()
    template: str = ""
    every_seconds: int | None = None
    approvers: tuple[str, ...] = (LEAD,)


class StoredAudience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An audience as somebody stores it. What is null is as built in for this id, else as for customers: outside, a
    draft first, plain words. So no audience is told too much because something was left out."""

    id: str
    name: str = ""
    channels: tuple[Channel, ...] = ()
    outside: bool | None = None
    approval: bool | None = None
    auto: bool = False
    detail: Detail | None = None
    words: tuple[str, ...] = ()
    template: str = ""
    every_seconds: Annotated[int, msgspec.Meta(ge=60, le=7 * 86_400)] | None = None
    approvers: tuple[str, ...] | None = None


PUBLIC = "public"  # the public status pages: their own channel
TEAM = "response-team"  # whoever works on the incident, and reads its own page
BUILT_IN: tuple[Audience, ...] = (
    Audience(id=TEAM, name="response team", outside=False, approval=False, detail="technical"),
    Audience(id="development-team", name="development team", outside=False, approval=False, detail="technical"),
    Audience(id="management", name="management", outside=False, approval=False),
    Audience(id="executives", name="executives", outside=False, approval=False),
    Audience(id="support", name="support", outside=False, approval=False),
    Audience(id="customers", name="customers"),
    Audience(id=PUBLIC, name="status page"),
    Audience(id="partners", name="partners", detail="technical"),
    Audience(id="media", name="media"),
    Audience(id="regulators", name="regulators", detail="private"),
)

_WORDS: tuple[tuple[str, str], ...] = (  # the guides' words; one phrase may mean several ("Media and Partners")
    ("regulators", r"regulator|authorit(?:y|ies)|supervisor(?:y|s)\b"),
    (PUBLIC, r"status page|^public$"),
    ("customers", r"customer|client|\busers?\b|external|public\b(?! relations)"),
    ("partners", r"partner|vendor"),
    ("media", r"\bmedia\b|\bpress\b|public relations"),
    ("executives", r"executive|\bc[ -]?level|\bc[et]o\b|\bboard\b"),
    ("management", r"management|managers?\b|stakeholder|leadership"),
    ("development-team", r"\bdev(?:eloper|elopment)?s?\b|engineering team"),
    ("support", r"support|customer success|help ?desk|customer service"),
    ("response-team", r"response team|incident team|internal|responders?|war room|\bteam\b"),
)


def audiences(stored: Mapping[str, StoredAudience]) -> dict[str, Audience]:
    """Every audience, the built-in ones first; what is stored is laid over them."""
    found = {each.id: each for each in BUILT_IN}
    for name, each in stored.items():
        base = found.get(name, Audience(id=name, name=name))
        given = {field: getattr(each, field) for field in each.__struct_fields__}
        found[name] = msgspec.structs.replace(
            base, **{field: value for field, value in given.items() if value not in (None, "") and field != "id"}
        )
    return found


def meant(words: str, known: Mapping[str, Audience]) -> tuple[str, ...]:
    """The audiences that a guide's words mean, in order; none for words that nobody here knows."""
    folded = words.casefold().strip()
    own = tuple(
        name
        for name, each in known.items()
        if folded in (name, each.name.casefold(), *(word.casefold() for word in each.words))
    )
    if own:
        return own
    support = re.search(r"customer (?:success|service|support)|support", folded)
    found = [name for name, pattern in _WORDS if name in known and re.search(pattern, folded)]
    if support and "customers" in found:
        found.remove("customers")
    return tuple(found[:1] if found and " and " not in folded and "," not in folded and "/" not in folded else found)


def called(policy: Policy, audience: Audience, known: Mapping[str, Audience]) -> tuple[str, ...]:
    """The names under which the guide owes this audience news: what it is told keeps promises of these names."""
    named = [*(each.audience for each in policy.cadences), *(each.audience for each in policy.communications)]
    mine = [PUBLIC] if audience.id == PUBLIC else []
    mine += [words for words in dict.fromkeys(named) if audience.id in meant(words, known)]
    return tuple(mine) or (audience.id if audience.id == PUBLIC else audience.name or audience.id,)


def cadence(policy: Policy, audience: Audience, severity: str, known: Mapping[str, Audience]) -> timedelta | None:
    """How often the audience hears of an incident of this severity, the shortest where a guide says it twice."""
    found = [
        elapsed(each.every)
        for each in policy.cadences
        if (not each.severities or severity in each.severities) and audience.id in meant(each.audience, known)
    ]
    spans = [each for each in found if each]
    if spans:
        return min(spans)
    return timedelta(seconds=audience.every_seconds) if audience.every_seconds else None


def contents(policy: Policy, audience: Audience, severity: str, known: Mapping[str, Audience]) -> tuple[str, ...]:
    """What the guide wants the audience to read about an incident of this severity, each thing once."""
    found = [
        each.content
        for each in policy.communications
        if (not each.severities or severity in each.severities) and audience.id in meant(each.audience, known)
    ]
    return tuple(dict.fromkeys(one for content in found for one in content))


# --- which template ---------------------------------------------------------------------------------------------------


def purpose(template: Template) -> Purpose:
    head = f"{template.title}\n{template.body[:200]}".casefold()
    title = template.title.casefold()
    if "action item" in title:
        return "action item"
    if re.search(r"report\b|weekly|monthly", title):
        return "report"
    if re.search(r"post-?mortem|\bpir\b|post-incident|retrospective|documentation|review", title):
        return "document"
    if re.search(r"resol(?:ved|ution)|restored|all clear", title) or re.search(r"\bincident resolved\b", head):
        return "resolved"
    return "update"


def template_for(policy: Policy, audience: Audience, ended: bool) -> Template | None:
    """The guide's template for this audience now, or None where the guide has none that it may see.

    An outside audience never gets a text that is written for the inside; the inside is told of the end by its own
    update template where the only resolution notice is a customers' mail.
    """
    named = [each for each in policy.templates if audience.template and each.title == audience.template]
    if named:
        return named[0]
    wanted: tuple[Purpose, ...] = ("resolved", "update") if ended else ("update",)
    for each in wanted:
        fitting = [
            (_fit(template, audience), n) for n, template in enumerate(policy.templates) if purpose(template) == each
        ]
        ranked = sorted((fit, n) for fit, n in fitting if fit is not None)
        if ranked:
            return policy.templates[ranked[0][1]]
    return None


def _fit(template: Template, audience: Audience) -> int | None:
    """How well it fits, 0 the best; None: not for them."""
    to = (template.audience or "").casefold()
    if re.search(r"\bvalued customer|\bdear customer", template.body, re.I):
        to = "customers"
    if audience.outside:
        return {"customers": 0, "external": 1, "": 2}.get(to)
    if to in ("customers", "external"):
        return None
    order = (
        ("stakeholders", "", "internal")
        if audience.id in ("management", "executives")
        else ("internal", "", "stakeholders")
    )
    return order.index(to) if to in order else 3


DEFAULTS: Mapping[tuple[bool, bool], str] = {  # (outside, ended): where a guide has no template of its own
    (False, False): "Incident: [Incident ID]\nSeverity: [Severity]\nService: [Affected services]\n"
    "Status: [Investigating/Identified/Mitigating/Monitoring/Resolved]\nImpact: [Impact]\nNext update: [Next update]",
    (False, True): "Incident: [Incident ID]\nStatus: Resolved\nDuration: [Duration]\nImpact: [Impact]",
    (True, False): "Subject: Service disruption\n\nWe are experiencing a disruption of our services.\n\n"
    "Impact: [Impact]\nStarted: [Start time]\nStatus: [Investigating/Identified/Mitigating/Monitoring/Resolved]\n"
    "Next update: [Next update]",
    (True, True): "Subject: Service restored\n\nThe disruption of our services has ended.\n\n"
    "Impact: [Impact]\nDuration: [Start time] to [End time]",
}
AUTOMATIC: Mapping[tuple[bool, bool], str] = {  # said without a person, so only what is always known
    (False, False): "[Incident ID]\nSeverity: [Severity]\n"
    "Status: [Investigating/Identified/Mitigating/Monitoring/Resolved]\nStarted: [Start time]",
    (False, True): "[Incident ID]\nStatus: Resolved\nDuration: [Duration]",
    (True, False): "Subject: Service disruption\n\nWe are looking into a disruption of our services.\n\n"
    "Status: [Investigating/Identified/Mitigating/Monitoring/Resolved]\nStarted: [Start time]",
    (True, True): "Subject: Service restored\n\nThe disruption of our services has ended.\n\nDuration: [Duration]",
}


# --- plain words ------------------------------------------------------------------------------------------------------


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a text that its readers may not understand, or should not see. A hint, not a rule."""

    found: str
    says: str


_JARGON = (
    "api", "backend", "cache", "cluster", "container", "cpu", "database", "deploy", "deployment", "dns",
    "docker", "exception", "failover", "firewall", "heap", "http", "ingress", "kafka", "kubernetes", "latency",
    "load balancer", "memory leak", "middleware", "mongodb", "mysql", "namespace", "nginx", "node", "oom",
    "p99", "pod", "postgres", "postgresql", "proxy", "queue", "redis", "regression", "replica", "rollback",
    "rolled back", "schema", "shard", "sql", "stack trace", "throughput", "timeout", "tls", "null pointer",
    "connection pool", "5xx", "4xx", "mitigating", "root cause", "workload",
)  # fmt: skip
_SUSPECT: tuple[tuple[str, str], ...] = (
    (r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b", "an IP address: it helps attackers only"),
    (r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|lan|svc|corp|cluster)\b", "an internal host name"),
    (r"\b(?:prod|stag(?:e|ing)|dev)-[\w-]+\b|\b[a-z]{2,12}-?(?:db|web|app|node|srv)-?\d+\b|\b(?:db|web|app|node|srv)-\d+\b",
     "a host name: readers do not know it"),
    (r"\b[A-Z]{2,10}-\d{2,}\b(?<!INC-\d{2})", "a ticket number: readers cannot open it"),
    (r"\b[45]\d\d (?:errors?|responses?)\b", "an error code"),
    (r"(?<![\w.])@\w[\w-]*", "a person's handle"),
    (r"\b(?:fault|blame|careless|stupid|his|her) (?:error|mistake)\b|\bwas to blame\b", "blame"),
    (r"\bguarantee[ds]?\b|\bnever happen again\b|\bfully liable\b", "a promise that lawyers would want to see first"),
)  # fmt: skip


def hints(text: str, audience: Audience) -> tuple[Hint, ...]:
    """What to look at again before it goes to readers who want plain words, or to people outside."""
    if audience.detail == "technical" and not audience.outside:
        return ()
    found: dict[str, Hint] = {}
    for pattern, says in _SUSPECT:
        for match in re.finditer(pattern, text):
            if not match[0].startswith("INC-"):
                found.setdefault(match[0], Hint(found=match[0], says=says))
    if audience.detail == "plain":
        for match in re.finditer(rf"\b(?:{'|'.join(map(re.escape, _JARGON))})s?\b", text, re.I):
            found.setdefault(match[0].casefold(), Hint(found=match[0], says="jargon: say what people notice instead"))
    return tuple(found.values())[:20]
