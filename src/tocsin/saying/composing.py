"""One update, written once and said to each audience in its own words: previews, and what is then posted or drafted.

Everything here runs where the engine may be asked (the writer thread): incident, policy, stored audiences and own
templates go in, texts come out, and `say` hands them to the engine as one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from tocsin.core import facts as f
from tocsin.core.announcement import Announcement, Owed, Recipient
from tocsin.core.audiences import (
    AUTOMATIC,
    DEFAULTS,
    TEAM,
    Audience,
    Channel,
    Hint,
    StoredAudience,
    audiences,
    cadence,
    called,
    contents,
    hints,
    template_for,
)
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, Refused, evolve
from tocsin.core.paging_text import one_line, span
from tocsin.core.people import shown_address
from tocsin.core.policy import Policy, severity_of
from tocsin.core.saying import AT_HOME, NO_CHANNEL, PRIVATE, STAYS_INSIDE, Announce, Prepared
from tocsin.core.wording import ENDED, FieldValue, Filled, Scene, fill, in_zone
from tocsin.engine import Engine
from tocsin.ports import Store
from tocsin.saying.owntemplate import OwnTemplate, render

AUDIENCE = "audience"  # the kinds of documents
TEMPLATE = "template"
Status = Literal["investigating", "identified", "mitigating", "monitoring", "resolved"]


class Update(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to say. `audiences` empty: the response team.

    `text` is for the inside, `public_text` for audiences outside; both may be empty where the fields say it all.
    `fields` fill the templates, by name. `texts`: the text for an audience as somebody edited it, instead of the
    template. `draft`: nothing is posted yet, whatever the audience says. `next_at`: promises the next update for then.
    """

    audiences: tuple[str, ...] = ()
    text: str = ""
    public_text: str = ""
    fields: dict[str, str] = {}
    texts: dict[str, str] = {}
    status: Status | None = None
    draft: bool = False
    next_at: datetime | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """One audience's text as it would go. `missing` names the fields that keep it from going. `every_seconds`: how
    often the audience is told. `contents`: what the guide wants in it. `goes`: at once, as a
    draft, or nowhere (`why`)."""

    audience: str
    name: str
    subject: str
    text: str
    template: str
    fields: tuple[FieldValue, ...]
    missing: tuple[str, ...]
    hints: tuple[Hint, ...]
    channels: tuple[Channel, ...]
    outside: bool
    goes: Literal["post", "draft", "nowhere"]
    why: str = ""
    every_seconds: int | None = None
    contents: tuple[str, ...] = ()


class Desk:
    """The incident and everything its texts are made from, at one instant."""

    def __init__(self, engine: Engine, tenant: str, name: str, public_url: str) -> None:
        self._engine = engine
        self._tenant = tenant
        self._public_url = public_url
        self.incident = engine.load(tenant, engine.find(tenant, name))
        guide = engine.guides.digested(tenant, self.incident.policy_digest)
        self.policy: Policy = guide.policy
        self.now = max(engine.store.now(), self.incident.last_at)
        self.audiences = stored_audiences(engine.store, tenant)
        self._own = [msgspec.json.decode(body, type=OwnTemplate) for _, body in engine.store.items(tenant, TEMPLATE)]
        directory = engine.guides.directory(tenant)
        self._people = {each.id: each.name or each.id for each in directory.people.values()}
        self._services = {each.id: each.name or each.id for each in directory.services.values()}

    def wanted(self, names: Sequence[str]) -> list[Audience]:
        """These audiences, or all. Raises ValueError for one that there is not."""
        unknown = [name for name in names if name not in self.audiences]
        if unknown:
            raise ValueError(f"audiences: expected some of {', '.join(self.audiences)}, got {unknown[0]!r}")
        return [self.audiences[name] for name in dict.fromkeys(names)] or list(self.audiences.values())

    def previews(self, update: Update) -> list[Preview]:
        """The text for every audience of the update, as things stand once it is posted."""
        return [self._preview(each, update) for each in self.wanted(update.audiences)]

    def scene(self, audience: Audience, update: Update) -> Scene:
        """What the audience's text is filled from."""
        incident, resolution = self._after(update)
        zone = self.policy.business_hours.zone if self.policy.business_hours else "UTC"
        return Scene(
            incident=incident,
            policy=self.policy,
            now=self.now,
            zone=zone,
            outside=audience.outside,
            given={**self.incident.said, **update.fields},
            every=cadence(self.policy, audience, incident.severity, self.audiences),
            next_at=update.next_at,
            people=self._people,
            services=self._services,
            resolution=resolution,
            url="" if audience.outside else f"{self._public_url}/incidents/{incident.reference}",
        )

    def _after(self, update: Update) -> tuple[Incident, str]:
        """The incident once the update's status holds, and what ended it."""
        status = update.status
        if status and status != self.incident.status and self.incident.status not in ENDED:
            if status == "resolved":
                return evolve(self.incident, f.Resolved(at=self.now)), update.text
            return evolve(self.incident, f.StatusChanged(at=self.now, status=status)), ""
        return self.incident, self._resolution()

    def _resolution(self) -> str:
        mark = self.incident.moments.get("resolved")
        if mark is None:
            return ""
        found = self._engine.store.facts(self._tenant, self.incident.id, mark.version - 1)[:1]
        return found[0].because if found and isinstance(found[0], f.Resolved) else ""

    def _preview(self, audience: Audience, update: Update) -> Preview:
        scene = self.scene(audience, update)
        filled, title = self._filled(audience, scene, update)
        edited = update.texts.get(audience.id, "").strip()
        if edited:
            filled = msgspec.structs.replace(filled, text=edited, fields=())
        why = STAYS_INSIDE if audience.outside and scene.incident.drill else ""
        private = scene.incident.restricted is not None and audience.id != TEAM
        why = PRIVATE if private else why or ("" if audience.channels or audience.id in AT_HOME else NO_CHANNEL)
        goes: Literal["post", "draft", "nowhere"] = "draft" if update.draft or audience.approval else "post"
        return Preview(
            audience=audience.id,
            name=audience.name or audience.id,
            subject=self._subject(audience, scene, filled),
            text=filled.text,
            template=title,
            fields=filled.fields,
            missing=filled.missing or (("text",) if "____" in filled.text else ()),
            hints=hints(f"{filled.subject}\n{filled.text}", audience),
            channels=tuple(
                msgspec.structs.replace(each, address=shown_address(each.kind, each.address))
                for each in audience.channels
            ),
            outside=audience.outside,
            goes="nowhere" if why else goes,
            why=why,
            every_seconds=int(scene.every.total_seconds()) if scene.every else None,
            contents=contents(self.policy, audience, self.incident.severity, self.audiences),
        )

    def _filled(self, audience: Audience, scene: Scene, update: Update) -> tuple[Filled, str]:
        """The text, and the title of the template it came from."""
        extra = update.public_text if audience.outside else update.text
        purpose = "resolved" if scene.ended else "update"
        own = [each for each in self._own if each.audience == audience.id and each.purpose == purpose]
        if own:
            return own_words(own[0], scene, extra), own[0].id
        template = template_for(self.policy, audience, scene.ended)
        if template is not None:
            return fill(template.body, scene, extra), template.title
        return fill(DEFAULTS[audience.outside, scene.ended], scene, extra), ""

    def _subject(self, audience: Audience, scene: Scene, filled: Filled) -> str:
        drill = "[DRILL] " if scene.incident.drill else ""
        if filled.subject:
            return drill + filled.subject
        if audience.outside:
            return "Service restored" if scene.ended else "Service disruption"
        incident = scene.incident
        ended = "Resolved: " if scene.ended else ""
        return f"{drill}{ended}[{incident.severity}] {one_line(incident.title, 120)} ({incident.reference})"

    def prepared(self, update: Update) -> tuple[Prepared, ...]:
        """What `core.saying.announce` is told. Raises Refused while a text that would go has a field missing."""
        found = []
        for preview in self.previews(msgspec.structs.replace(update, audiences=update.audiences or ("response-team",))):
            audience = self.audiences[preview.audience]
            draft = update.draft or audience.approval
            if preview.missing and not draft:
                raise Refused(f"cannot tell {preview.name}: no value for {', '.join(preview.missing)}")
            typed = {each.name: each.value for each in preview.fields if each.origin == "given"}
            found.append(
                Prepared(
                    audience=audience.id,
                    subject=preview.subject,
                    text=preview.text,
                    words=called(self.policy, audience, self.audiences),
                    channels=tuple(
                        f.SaidTo(kind=each.kind, address=each.address, name=each.name) for each in audience.channels
                    ),
                    outside=audience.outside,
                    mention=self._mention(audience, update),
                    fields=typed,
                    said=update.public_text if audience.outside else update.text,
                    draft=draft,
                    approvers=audience.approvers if audience.approval else (),
                )
            )
        return tuple(found)

    def _mention(self, audience: Audience, update: Update) -> Literal["", "channel", "here"]:
        return self._filled(audience, self.scene(audience, update), update)[0].mention


def own_words(own: OwnTemplate, scene: Scene, extra: str) -> Filled:
    """An own template, filled. What it asks for and has no value is missing."""
    values = values_of(scene, extra)
    text, missing = render(own.body, values)
    subject, unsaid = render(own.subject, values)
    fields = tuple(
        FieldValue(name=name, meaning="", value="", origin="missing") for name in dict.fromkeys((*missing, *unsaid))
    )
    return Filled(subject=one_line(subject, 200), text=text.strip(), fields=fields)


def values_of(scene: Scene, extra: str) -> dict[str, object]:
    """What own templates may use. Nothing that only the inside may know is there for an outside audience."""
    incident = scene.incident
    started = in_zone(incident.corrected.get("started_at", incident.opened_at), scene.zone)
    severity = severity_of(scene.policy, incident.severity)
    values: dict[str, object] = {
        "reference": incident.reference,
        "status": "resolved" if scene.ended else incident.status,
        "severity": incident.severity,
        "severity_name": severity.name if severity else "",
        "impact": (incident.customer_impact or incident.impact or "") if scene.outside else incident.impact or "",
        "services": [scene.services.get(each, each) for each in incident.services],
        "started": f"{started:%Y-%m-%d %H:%M %Z}",
        "duration": span((incident.resolved_at or scene.now) - incident.opened_at),
        "every": span(scene.every) if scene.every else "",
        "next_update": f"{in_zone(scene.now + scene.every, scene.zone):%H:%M %Z}" if scene.every else "",
        "cause": incident.root_cause or "",
        "text": extra.strip(),
    }
    if not scene.outside:
        values |= {"title": incident.title, "url": scene.url, "description": incident.description}
    given = {name.casefold().replace(" ", "_").replace("-", "_"): value for name, value in scene.given.items()}
    return {**values, **{name: value for name, value in given.items() if value}}


def stored_audiences(store: Store, tenant: str, said: Sequence[StoredAudience] = ()) -> dict[str, Audience]:
    """Every audience, as stored or built in; `said`: as it will be stored on the next start."""
    stored = {name: msgspec.json.decode(body, type=StoredAudience) for name, body in store.items(tenant, AUDIENCE)}
    return audiences({**stored, **{each.id: each for each in said}})


def say(engine: Engine, tenant: str, name: str, update: Update, by: str, public_url: str) -> Incident:
    """The incident after the update: everybody it is for is told, or a draft waits, in one commit.

    Raises NotFound, ValueError (an unknown audience), Refused (a field is missing, or the state does not allow it).
    """
    desk = Desk(engine, tenant, name, public_url)
    command = Announce(
        by=by, prepared=desk.prepared(update), status=update.status, because=update.text, next_at=update.next_at
    )
    return engine.handle(tenant, name, command)


# --- what is owed because of it ---------------------------------------------------------------------------------------


class Announcer:
    """Asked in each commit: what was announced is owed, and what an audience is told without a person."""

    def __init__(self, engine: Engine, public_url: str) -> None:
        self._engine = engine
        self._public_url = public_url

    def __call__(
        self, tenant: str, before: Incident | None, incident: Incident, facts: Sequence[AnyFact]
    ) -> list[Owed]:
        owed = [self._of(tenant, incident, fact) for fact in facts if isinstance(fact, f.Announced) and fact.channels]
        if any(isinstance(each, f.Opened | f.StatusChanged | f.Resolved | f.Reopened) for each in facts):
            told = {fact.audience for fact in facts if isinstance(fact, f.Announced | f.UpdateDrafted)}
            owed += self._automatic(tenant, incident, facts[-1].at, told)
        return owed

    def _of(self, tenant: str, incident: Incident, fact: f.Announced) -> Owed:
        channels = [(each.kind, each.address, each.name) for each in fact.channels]
        return self._owed(tenant, incident, fact.announcement, fact, channels, fact.at)

    def _owed(
        self,
        tenant: str,
        incident: Incident,
        name: str,
        said: f.Announced,
        channels: Sequence[tuple[str, str, str]],
        at: datetime,
    ) -> Owed:
        guide = self._engine.guides.digested(tenant, incident.policy_digest)
        severity = severity_of(guide.policy, incident.severity)
        inside = not said.outside
        return Owed(
            tenant=tenant,
            announcement=Announcement(
                id=name,
                topic=f"incident/{incident.id}/{said.audience}",
                subject=said.subject,
                text=said.text,
                at=at,
                event="resolved" if incident.status in ENDED else "update",
                audience=said.audience,
                incident=incident.id,
                reference=incident.reference,
                severity=incident.severity if inside else "",
                rank=severity.rank if severity else 0,
                url=f"{self._public_url}/incidents/{incident.reference}" if inside else "",
                outside=said.outside,
                mention=said.mention,
            ),
            recipients=tuple(
                Recipient(kind=kind, address=address, name=named, timeline=True) for kind, address, named in channels
            ),
        )

    def _automatic(self, tenant: str, incident: Incident, at: datetime, told: set[str]) -> list[Owed]:
        """Changes of status for audiences with `auto`, in a text that needs nobody to fill it in."""
        found = []
        known = stored_audiences(self._engine.store, tenant)
        policy = self._engine.guides.digested(tenant, incident.policy_digest).policy
        for audience in known.values():
            if not audience.auto or not audience.channels or audience.id in told:
                continue
            if incident.drill and audience.outside:
                continue
            filled = _automatic_text(audience, incident, policy, at, known)
            subject = filled.subject or f"[{incident.severity}] {one_line(incident.title, 120)} ({incident.reference})"
            said = f.Announced(
                at=at,
                announcement="",
                audience=audience.id,
                subject=subject,
                text=filled.text,
                outside=audience.outside,
            )
            channels = [(each.kind, each.address, each.name) for each in audience.channels]
            name = f"{incident.id}-{incident.version}-auto-{audience.id}"
            found.append(self._owed(tenant, incident, name, said, channels, at))
        return found


def _automatic_text(
    audience: Audience, incident: Incident, policy: Policy, at: datetime, known: Mapping[str, Audience]
) -> Filled:
    every: timedelta | None = cadence(policy, audience, incident.severity, known)
    scene = Scene(incident=incident, policy=policy, now=at, outside=audience.outside, every=every)
    template = template_for(policy, audience, scene.ended)
    filled = fill(template.body, scene) if template else None
    if filled is None or filled.missing:
        return fill(AUTOMATIC[audience.outside, scene.ended], scene)
    return filled
