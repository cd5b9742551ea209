"""Who may do what. One predicate, `may`, over one table; every face asks it and nothing else.

A role is a rung: whoever has it has what the rungs below it have. Some actions are also open to lower rungs where the
thing is their own, their team's, or an incident that they command. docs/permissions.md is made from this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import msgspec

from tocsin.core.people import Team

Role = Literal["viewer", "responder", "commander", "administrator", "owner"]
Spoken = Literal["viewer", "responder", "commander", "administrator", "owner", "admin"]
"""What may stand in a record or a request: `admin` is what an administrator was called in releases before."""

ROLES: tuple[Role, ...] = get_args(Role)
RANK: Mapping[str, int] = {role: n for n, role in enumerate(ROLES)}

Action = Literal[
    "alert.post",
    "alert.read",
    "approval.give",
    "audit.erase",
    "audit.export",
    "audit.protection",
    "audit.read",
    "channel.manage",
    "contact.manage",
    "directory.read",
    "duty.keep",
    "emergency.end",
    "emergency.take",
    "evidence.collect",
    "evidence.export",
    "evidence.hold",
    "evidence.list",
    "evidence.original",
    "evidence.read",
    "evidence.release",
    "evidence.remove",
    "feed.manage",
    "hook.manage",
    "hook.read",
    "incident.approve",
    "incident.command",
    "incident.declare",
    "incident.merge",
    "incident.note",
    "incident.read",
    "incident.respond",
    "incident.say",
    "installation.manage",
    "law.manage",
    "maintenance.manage",
    "measures.read",
    "metrics.read",
    "monitor.manage",
    "oncall.override",
    "oncall.read",
    "operations.read",
    "people.manage",
    "people.provision",
    "policy.activate",
    "policy.read",
    "schedule.manage",
    "self.manage",
    "service.manage",
    "silence.manage",
    "source.manage",
    "status.manage",
    "status.read",
    "status.respond",
    "tenant.manage",
    "token.manage",
]
Share = Literal["member", "lead"]
Scope = Literal["", "scim"]
SCOPES: Mapping[Scope, frozenset[Action]] = {"scim": frozenset({"people.provision"})}
"""What a token with a scope may at all, as far as its role may; one without may what its role may."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do one action. `role`: everybody from this rung on, whatever the thing is.

    `own`: from this rung on, where the thing is the actor's own. `team`: responders who are members (or the lead) of a
    team that the thing belongs to. `assigned`: responders who command the incident that it is about.
    """

    says: str
    role: Role
    own: Role | None = None
    team: Share | None = None
    assigned: bool = False


TABLE: Mapping[Action, Rule] = {
    "alert.post": Rule(says="hand in alerts as Alertmanager's clients do", role="responder"),
    "alert.read": Rule(says="see alerts, silences, payloads and what became of them", role="viewer"),
    "approval.give": Rule(says="approve, as a second person, what one may do oneself", role="responder"),
    "audit.erase": Rule(says="erase personal data from the record", role="administrator"),
    "audit.export": Rule(says="export the audit trail", role="administrator"),
    "audit.protection": Rule(says="see how much of the audit trail is protected", role="viewer"),
    "audit.read": Rule(says="read and verify the audit trail", role="administrator"),
    "channel.manage": Rule(says="say who is who in the chats", role="administrator"),
    "contact.manage": Rule(says="verify and test ways to reach a person", role="administrator", own="viewer"),
    "directory.read": Rule(says="see people, teams, services and bindings", role="viewer"),
    "duty.keep": Rule(says="say that upkeep was done, or waive it", role="responder"),
    "emergency.end": Rule(says="end emergency access early", role="administrator", own="viewer"),
    "emergency.take": Rule(says="take emergency access; own: whoever is on call", role="administrator", own="viewer"),
    "evidence.collect": Rule(says="add evidence to an incident", role="responder"),
    "evidence.export": Rule(says="export evidence as a sealed bundle", role="commander", assigned=True),
    "evidence.hold": Rule(says="put evidence under legal hold", role="commander", assigned=True),
    "evidence.list": Rule(says="see what evidence there is, and what happened to it", role="viewer"),
    "evidence.original": Rule(
        says="read evidence as it was before redaction", role="administrator", own="responder"
    ),
    "evidence.read": Rule(says="read the content of evidence", role="responder"),
    "evidence.release": Rule(says="end a legal hold", role="administrator"),
    "evidence.remove": Rule(says="remove the content of evidence", role="administrator"),
    "feed.manage": Rule(says="see and revoke calendar links", role="administrator", own="viewer"),
    "hook.manage": Rule(says="make, test and remove outgoing webhooks", role="administrator"),
    "hook.read": Rule(says="see outgoing webhooks and their deliveries", role="viewer"),
    "incident.approve": Rule(says="approve what somebody else asked for", role="commander", assigned=True),
    "incident.command": Rule(
        says="waive promises, correct times, mark drills, lift freezes, make an incident private or open",
        role="commander",
        assigned=True,
    ),
    "incident.declare": Rule(says="declare an incident", role="responder"),
    "incident.merge": Rule(says="merge an incident into another", role="responder"),
    "incident.note": Rule(says="read the private notes of an incident", role="responder"),
    "incident.read": Rule(says="see incidents, their timeline, alerts and events", role="viewer"),
    "incident.respond": Rule(says="work on an incident: acknowledge, escalate, update, resolve", role="responder"),
    "incident.say": Rule(says="tell audiences about an incident, and read what they were told", role="responder"),
    "installation.manage": Rule(
        says="create, limit, suspend and remove the organisations of the installation, from its own", role="owner"
    ),
    "law.manage": Rule(says="switch regulatory clocks on and off", role="administrator"),
    "maintenance.manage": Rule(says="plan and end maintenance windows", role="responder"),
    "measures.read": Rule(says="see measures of incidents", role="viewer"),
    "metrics.read": Rule(says="see /metrics and the reasons of /ready", role="viewer"),
    "monitor.manage": Rule(says="make and remove dead-man monitors", role="administrator"),
    "oncall.override": Rule(says="override, swap and cover turns on call", role="responder"),
    "oncall.read": Rule(says="see who is on call, shifts, gaps and load", role="viewer"),
    "operations.read": Rule(says="see freezes, maintenance, monitors, duties, sources and readiness", role="viewer"),
    "people.manage": Rule(says="make and remove people, teams and bindings", role="administrator"),
    "people.provision": Rule(says="make and deactivate people, as identity providers do (SCIM)", role="administrator"),
    "policy.activate": Rule(says="activate and withdraw guides", role="administrator"),
    "policy.read": Rule(says="see guides and policies", role="viewer"),
    "schedule.manage": Rule(says="make, change and remove schedules", role="administrator", team="lead"),
    "self.manage": Rule(says="see who one is, and manage one's own browsers and links", role="viewer"),
    "service.manage": Rule(says="make, change and remove services", role="administrator", team="member"),
    "silence.manage": Rule(says="make and end silences", role="responder"),
    "source.manage": Rule(says="say who may hand in alerts", role="administrator"),
    "status.manage": Rule(says="make and change public pages, their components and subscribers", role="administrator"),
    "status.read": Rule(says="see what stands on public pages, as their editors do", role="viewer"),
    "status.respond": Rule(says="say in public how components and incidents are", role="responder"),
    "tenant.manage": Rule(says="manage the organisation itself, and its owners", role="owner"),
    "token.manage": Rule(says="make and revoke tokens and sign-in links", role="administrator"),
}  # fmt: skip


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a request speaks for. `id` is what facts say in `by`; `credential` names the token or session used.

    `teams` are those they are a member of, `leads` those of them that they lead.
    `emergency`: their own role, while emergency access lends them another. `scope`: what a token is good for alone.
    """

    tenant: str
    id: str
    kind: Literal["person", "service"]
    role: Role
    credential: str = ""
    teams: frozenset[str] = frozenset()
    leads: frozenset[str] = frozenset()
    emergency: Role | None = None
    scope: Scope = ""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of the thing that is acted on. `owner`: the person whose it is; `teams`: those it belongs to;
    `commanders`: who commands the incident; `grants`: the role that would be handed out, changed or taken away."""

    owner: str | None = None
    teams: frozenset[str] = frozenset()
    commanders: frozenset[str] = frozenset()
    grants: Role | None = None


ANYTHING = Resource()

COMMANDING = frozenset(
    {
        "waive-promise",
        "correct-timestamp",
        "record-instant",
        "mark-drill",
        "unfreeze-deployments",
        "restrict",
        "lift-restriction",
    }
)


ASKING: Mapping[str, Action] = {"approve": "incident.approve", "merge": "incident.merge"}  # ask for one of their own


def action_for(tag: str) -> Action:
    """What a caller must be allowed to do, to send the command of this tag to an incident."""
    if tag in ASKING:
        return ASKING[tag]
    return "incident.command" if tag in COMMANDING else "incident.respond"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether, and why, in a sentence for whoever asked."""

    allowed: bool
    because: str

    def __bool__(self) -> bool:
        return self.allowed


def responder(tenant: str, person: str, teams: Iterable[Team] = ()) -> Actor:
    """Somebody who answers a page of theirs by a telephone or a signed link, neither of which knows a role."""
    all_teams = list(teams)
    return Actor(
        tenant=tenant,
        id=person,
        kind="person",
        role="responder",
        teams=frozenset(team.id for team in all_teams if person in (*team.members, team.lead)),
        leads=frozenset(team.id for team in all_teams if person == team.lead),
    )


def commanders(roles: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Who commands an incident with these roles: whoever has one that the guide calls a commander's."""
    return frozenset(person for role, people in roles.items() if "commander" in role.casefold() for person in people)


def conceivable(actor: Actor, action: Action) -> Decision:
    """Whether there could be a thing to which the actor may do this: what is asked before the thing is known."""
    rule = TABLE[action]
    eager = msgspec.structs.replace(actor, teams=frozenset({""}), leads=frozenset({""}))
    mine = Resource(owner=actor.id, teams=frozenset({""}), commanders=frozenset({actor.id}))
    return may(eager, action, mine if rule.own or rule.team or rule.assigned else ANYTHING)


def role_of(spoken: Spoken) -> Role:
    """The role that a record or a request means; `admin` is the old word for an administrator."""
    return "administrator" if spoken == "admin" else spoken


def at_least(role: Role, wanted: Role) -> bool:
    return RANK[role] >= RANK[wanted]


def may(actor: Actor, action: Action, resource: Resource = ANYTHING) -> Decision:
    """Whether the actor may do this to that thing. Nobody hands out or takes away more than they have."""
    rule = TABLE[action]
    if actor.scope and action not in SCOPES[actor.scope]:
        return Decision(allowed=False, because=f"this token is for {actor.scope} alone, not to {rule.says} ({action})")
    if resource.grants is not None and not at_least(actor.emergency or actor.role, resource.grants):
        return Decision(
            allowed=False, because=f"{actor.id} is {a(actor.role)} and cannot hand out or change {a(resource.grants)}"
        )
    if at_least(actor.role, rule.role):
        return Decision(allowed=True, because=f"{a(rule.role)} may {rule.says}")
    if rule.own and resource.owner == actor.id and at_least(actor.role, rule.own):
        return Decision(allowed=True, because=f"{actor.id} may {rule.says}, for it is their own")
    if at_least(actor.role, "responder"):
        if rule.team and resource.teams & (actor.leads if rule.team == "lead" else actor.teams | actor.leads):
            return Decision(allowed=True, because=f"{actor.id} may {rule.says}, for it is their team's")
        if rule.assigned and actor.id in resource.commanders:
            return Decision(allowed=True, because=f"{actor.id} may {rule.says}, for they command this incident")
    return Decision(
        allowed=False,
        because=f"{actor.id} is {a(actor.role)}; to {rule.says} ({action}) needs {a(rule.role)}{_besides(rule)}",
    )


def _besides(rule: Rule) -> str:
    others = [
        text
        for text, holds in (
            ("whoever it belongs to", rule.own),
            (f"{'the lead' if rule.team == 'lead' else 'a member'} of the team it belongs to", rule.team),
            ("whoever commands the incident", rule.assigned),
        )
        if holds
    ]
    return "".join(f", or {other}" for other in others)


def a(role: Role) -> str:
    """The role with its article."""
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
