"""What people do makes of an incident: phases, roles, freezes, updates, drafts, the review. Part of `evolve`."""

from __future__ import annotations

from typing import Any

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact
from tocsin.core.runs import asked_for
from tocsin.core.state import Asked, Incident, Mark, Restriction


def worked(incident: Incident, fact: AnyFact, mark: Mark, changes: dict[str, Any]) -> None:
    match fact:
        case f.PhaseBegun():
            changes["phases"] = incident.phases | {fact.phase: "begun"}
        case f.PhaseFinished():
            changes["phases"] = incident.phases | {fact.phase: "finished"}
        case f.ItemBegun():
            changes["items"] = incident.items | {f"{fact.phase} / {fact.item}": "begun"}
        case f.ItemFinished():
            changes["items"] = incident.items | {f"{fact.phase} / {fact.item}": "finished"}
        case f.DeploymentsFrozen():
            changes["frozen"] = fact.services
        case f.DeploymentsUnfrozen():
            changes["frozen"] = None
        case f.Restricted():
            changes["restricted"] = Restriction(people=fact.people, teams=fact.teams)
        case f.RestrictionLifted():
            changes["restricted"] = None
        case f.ApprovalRequested():
            asked = Asked(
                request=fact.request,
                command=fact.command,
                body=fact.body,
                by=fact.by,
                asked_at=fact.at,
                until=fact.until,
                says=asked_for(fact.command, fact.body),
            )
            changes |= {"approvals": incident.approvals | {fact.request: asked}, "asked": fact.request}
        case f.ApprovalEnded():
            changes["approvals"] = {name: each for name, each in incident.approvals.items() if name != fact.request}
        case f.UpdatePosted():
            audience = fact.audience.casefold()
            promised = {each: at for each, at in incident.next_updates.items() if each != audience}
            changes |= {
                "updates": incident.updates + 1,
                "next_updates": promised | ({audience: fact.next_at} if fact.next_at else {}),
                "public_updates": incident.public_updates + ((mark.version,) if audience == "public" else ()),
                "moments": incident.moments | {"updated": mark, f"updated:{audience}": mark},
            }
        case f.UpdateDrafted():
            changes["drafts"] = incident.drafts | {fact.draft: fact}
        case f.UpdateDiscarded():
            changes["drafts"] = {name: each for name, each in incident.drafts.items() if name != fact.draft}
        case f.Announced():
            changes |= {
                "drafts": {name: each for name, each in incident.drafts.items() if name != fact.draft},
                "said": incident.said | fact.fields,
            }


def staffed(incident: Incident, fact: AnyFact, mark: Mark, changes: dict[str, Any]) -> None:
    """Who has which role, since when, and from when to when somebody had it before."""
    match fact:
        case f.RoleAssigned():
            held = incident.roles.get(fact.role, ())
            changes["roles"] = incident.roles | {fact.role: (*held, fact.person)}
            changes["moments"] = {f"staffed:{fact.role.casefold()}": mark, **incident.moments}
        case f.RoleReleased():
            held = tuple(person for person in incident.roles.get(fact.role, ()) if person != fact.person)
            roles = {role: people for role, people in incident.roles.items() if role != fact.role}
            changes["roles"] = roles | ({fact.role: held} if held else {})
            if not held:
                role = fact.role.casefold()
                gone = f"staffed:{role}"
                if (since := incident.moments.get(gone)) is not None:
                    changes["held"] = incident.held | {role: (*incident.held.get(role, ()), (since, mark))}
                changes["moments"] = {name: at for name, at in incident.moments.items() if name != gone}


def reviewed(incident: Incident, fact: AnyFact, mark: Mark, changes: dict[str, Any]) -> None:
    match fact:
        case f.ReviewScheduled():
            changes |= {"review_at": fact.meets_at, "moments": incident.moments | {"review_scheduled": mark}}
        case f.ReviewWritten():
            after = incident.written | {fact.field: fact.text}
            changes["written"] = {name: text for name, text in after.items() if text}
        case f.ReviewTicked():
            changes["ticked"] = incident.ticked | {fact.item} if fact.done else incident.ticked - {fact.item}
        case f.ReviewHeld():
            changes["moments"] = {"review_scheduled": mark, **incident.moments, "review_held": mark}
