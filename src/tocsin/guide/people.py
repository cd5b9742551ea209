"""Roles and contacts: who the guide says does what, and how it prints their names and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.core.policy import Contact, Role, Source, Staffing
from tocsin.guide.blocks import Block, Document, Section, every_block
from tocsin.guide.cadences import sentences
from tocsin.guide.ids import mentioned
from tocsin.guide.inline import plain, split_label
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import deadline, scan
from tocsin.guide.severities import Scheme

_ROLE = re.compile(
    r"\b(?:commander|lead|leads|leader|coordinator|manager|engineers?|administrator|dba|experts?(?:\s*\([^)]*\))?|officer|liaisons?|scribe|responders?|on-?call"
    r"|owner|director|teams?|dev|admin|ic|sme|smes|specialist|executive|sponsor|facilitator|analyst)$|^(?:incident commander|technical lead|scribe)\b|^(?:primary|secondary) on-?call",
    re.I,
)
_ROLE_SECTION = re.compile(
    r"\broles?\b|team structure|response team|core team|extended team|who does what|responsibilities|on-?call guide|teams?$",
    re.I,
)
_PEOPLE = re.compile(r"contact|emergency|escalation|on-?call|who to call|phone", re.I)
_REACH = re.compile(r"contact|phone|e-?mail|primary|slack|reach|handle|method")
_VENDOR = re.compile(r"vendor|external|third[\s-]party|provider|supplier", re.I)
_NOBODY = re.compile(r"[-–—\s]*|none|n/?a|tb[ad]|nobody|not (?:yet )?assigned|unassigned|vacant", re.I)
_DOES = re.compile(
    r"(?:the|an?)\s+([a-z][\w-]+(?:\s[a-z][\w-]+){0,3}?)\s+((?:is responsible|coordinates|owns|leads|handles|manages|communicates|records|documents|decides|makes|keeps|writes"
    r"|drafts|runs|investigates|mends|fixes|talks|tells|informs|directs|drives|posts|updates|maintains)\b.{3,200})$",
    re.I,
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}")
_PHONE = re.compile(r"(?:\+\d[ (./-]|\+?\d[\dxX])[\dxX ()./-]{5,18}[\dxX]")


def compile_roles(document: Document, scheme: Scheme, notes: Notes) -> tuple[Role, ...]:
    """The roles of the guide: a section or table about roles; where there is none, the internal contact table."""
    found = (
        list(_from_sections(document))
        or list(_from_prose(document))
        or list(_from_contacts(document))
        or list(_from_who(document))
    )
    unique: dict[str, Role] = {}
    for role in found:
        unique.setdefault(role.name.casefold(), role)
    needed = {each.role.casefold(): each.severities for each in compile_staffing(document, scheme, tuple(found), notes)}
    for role in unique.values():
        if role.source:
            notes.use(role.source.line)
    return tuple(
        msgspec.structs.replace(role, required_for=needed.get(name, role.required_for)) for name, role in unique.items()
    )


_ASSIGN = re.compile(r"\b(?:assign|designate|required|appoint)\w*\b", re.I)
_ASSIGNED = re.compile(
    r"\b(?:assign|designate|appoint)\w*\s+(?:an?\s+|the\s+)?"
    r"((?:[a-z-]+\s+){0,2}?(?:commander|lead|coordinator|manager|liaison|scribe|facilitator))\b",
    re.I,
)


def compile_staffing(document: Document, scheme: Scheme, roles: tuple[Role, ...], notes: Notes) -> tuple[Staffing, ...]:
    """`Assign incident commander for P1/P2 incidents within 10 minutes`, of a role with a section of its own or without."""
    known = {role.name.casefold(): role.name for role in roles}
    found: dict[str, Staffing] = {}
    for sentence in sentences(document, scheme):
        text = plain(sentence.text)
        severities = mentioned(text, scheme.known) if len(text) < 200 and _ASSIGN.search(text) else ()
        if not severities:
            continue
        named = [known[name] for name in known if re.search(rf"\b{re.escape(name)}\b", text.casefold())]
        assigned = _ASSIGNED.search(text)
        if assigned and not named:
            named = [assigned[1]]
        spans = [each for each in scan(text) if each.bound == "<=" and each.kind == "elapsed"]
        within = deadline(spans[0]) if len(spans) == 1 else None
        for role in named:
            notes.use(sentence.line)
            asked = Staffing(
                role=role, severities=severities, within=within, text=text, source=Source(line=sentence.line)
            )
            found.setdefault(role.casefold(), asked)
    return tuple(found.values())


def _from_sections(document: Document) -> Iterator[Role]:
    for section in document.sections():
        if section.region != "policy":
            continue
        said = bool(_ROLE_SECTION.search(section.title)) and not re.search(
            r"updates?|communication", section.title, re.I
        )
        above = bool(section.parent and _ROLE_SECTION.search(section.parent.title))
        if said:
            yield from _headed(section)
        for block in section.blocks:
            if block.kind == "table":
                yield from _role_table(block)
            elif block.kind == "list":
                yield from _role_list(block, said or above)
            elif block.kind == "paragraph" and said:
                yield from _role_lines(block)


def _headed(section: Section) -> Iterator[Role]:
    """`### Incident Commander` with its responsibilities below."""
    for child in section.sections:
        if child.region != "policy" or len(child.title.split()) > 6:
            continue
        duties: list[str] = []
        skills: list[str] = []
        labels = [split_label(item.text) for block in child.blocks for item in block.items]
        if any(label and label.strong and _is_role(label.label) for label in labels):
            continue  # a heading over a list of roles is a group, not a role
        for block in child.blocks:
            for item in block.items:
                label = split_label(item.text)
                inner = [plain(sub.text) for below in item.blocks for sub in below.items]
                if label and re.match(r"responsibilit|duties|tasks", label.label, re.I):
                    duties += inner or [plain(label.value)]
                elif label and re.match(r"qualif|skills|requirements|experience", label.label, re.I):
                    skills += inner or [plain(label.value)]
                elif _ROLE.search(re.sub(r"\([^()]*\)", "", child.title).strip()):
                    duties.append(plain(item.text))
        for below in child.sections:
            target = (
                duties
                if re.match(r"responsibilit|duties", below.title, re.I)
                else skills
                if re.match(r"qualif|skills", below.title, re.I)
                else None
            )
            if target is not None:
                target += [plain(item.text) for block in below.blocks for item in block.items]
        if duties or skills:
            yield Role(
                name=child.title,
                responsibilities=tuple(duties),
                qualifications=tuple(skills),
                source=Source(line=child.line),
            )


def _role_list(block: Block, said: bool) -> Iterator[Role]:
    labels = [(item, split_label(item.text.split("\n")[0])) for item in block.items]
    roles = [(item, label) for item, label in labels if label and label.strong and _is_role(label.label)]
    needed = 1 if said else 2
    if len(roles) < needed or len(roles) * (4 if said else 5) < len(block.items) * (2 if said else 4):
        return
    for item, label in roles if not said else [(item, label) for item, label in labels if label and label.strong]:
        inner = tuple(plain(sub.text) for below in item.blocks for sub in below.items)
        text = plain(label.value)
        when = re.search(r"\(([^()]*\b(?:applicable|needed|required|only)\b[^()]*)\)", text) or re.search(
            r"(\w[\w\s-]*\bonly\b)", text
        )
        yield Role(
            name=label.label,
            responsibilities=inner or ((text,) if text else ()),
            when=when[1] if when else "",
            source=Source(line=item.line),
        )


def _from_prose(document: Document) -> Iterator[Role]:
    """`The incident commander coordinates the response.` under a heading about roles, where no list names any."""
    for section in document.sections():
        if section.region != "policy" or not re.search(r"\broles?\b|responsibilities", section.title, re.I):
            continue
        for block in section.blocks:
            for n, line in block.lines() if block.kind == "paragraph" else ():
                for said in re.split(r"(?<=\.)\s+", plain(line)):
                    found = _DOES.match(said)
                    if found and _is_role(found[1]):
                        yield Role(name=found[1], responsibilities=(found[2].rstrip("."),), source=Source(line=n))


def _is_role(label: str) -> bool:
    words = re.sub(r"\([^()]*\)", "", label).strip()
    return len(words.split()) <= 5 and bool(_ROLE.search(words)) and not re.match(r"level|tier|escalat", words, re.I)


def _role_lines(block: Block) -> Iterator[Role]:
    for n, line in block.lines():
        label = split_label(line)
        if label and label.strong and _is_role(label.label):
            yield Role(
                name=label.label, responsibilities=(plain(label.value),) if label.value else (), source=Source(line=n)
            )


def _role_table(block: Block) -> Iterator[Role]:
    heads = [plain(head).casefold() for head in block.header]
    if (
        not heads
        or not re.fullmatch(r"(?:incident )?roles?|position", heads[0])
        or not any(re.search(r"responsib|duties|description|tasks", head) for head in heads)
    ):
        return
    for row in block.rows:
        cells = dict(zip(heads, row.cells, strict=False))
        duty = next(
            (plain(text) for head, text in cells.items() if re.search(r"responsib|duties|description|tasks", head)), ""
        )
        name = plain(row.cells[0]) if row.cells else ""
        if name:
            yield Role(
                name=name,
                responsibilities=(duty,) if duty else (),
                contacts=_people(cells, name, row.line),
                source=Source(line=row.line),
            )


def _people(cells: dict[str, str], role: str, line: int) -> tuple[Contact, ...]:
    found = []
    for head, text in cells.items():
        words = plain(text)
        if _NOBODY.fullmatch(words):
            continue
        if re.search(r"primary|^contact$|^name$|assignee|^who$", head):
            found.append(_contact(words, "primary", role, line))
        elif re.search(r"backup|secondary|deputy|alternate", head):
            found.append(_contact(words, "backup", role, line))
    if found:
        mail = next((plain(text) for head, text in cells.items() if re.search(r"e-?mail", head)), "")
        phone = next((plain(text) for head, text in cells.items() if re.search(r"phone|tel|mobile", head)), "")
        found[0] = msgspec.structs.replace(found[0], email=found[0].email or mail, phone=found[0].phone or phone)
    return tuple(found)


def _contact(words: str, kind: str, role: str, line: int) -> Contact:
    mail, phone = _EMAIL.search(words), _PHONE.search(words)
    name = _PHONE.sub("", _EMAIL.sub("", words)).strip(" ()<>,;:-")
    return Contact(
        name=name, kind="backup" if kind == "backup" else "primary", role=role, email=mail[0] if mail else "", phone=phone[0] if phone else "", text=words, source=Source(line=line)
    )  # fmt: skip


def _contact_tables(document: Document) -> Iterator[tuple[Section, Block, list[str]]]:
    for section in document.sections():
        path = section.where
        if section.region != "policy" or not _PEOPLE.search(path):
            continue
        for block in section.blocks:
            heads = [plain(head).casefold() for head in block.header]
            named = bool(
                heads and re.search(r"role|vendor|name|team|contact|who|service|person|provider|position", heads[0])
            )
            if block.kind == "table" and named and any(_REACH.search(head) for head in heads[1:]):
                yield section, block, heads


def _from_contacts(document: Document) -> Iterator[Role]:
    for section, block, heads in _contact_tables(document):
        if _VENDOR.search(section.title) or not re.search(r"role|position", heads[0]):
            continue
        for row in block.rows:
            name = plain(row.cells[0]) if row.cells else ""
            cells = dict(zip(heads, row.cells, strict=False))
            named = any(re.search(r"primary|secondary|^name$|person|backup", head) for head in heads)
            if name and not re.search(
                r"support|hotline|issues?$|helpdesk" if named else r"support|hotline|issues?$|helpdesk|team$",
                name,
                re.I,
            ):
                yield Role(name=name, contacts=_people(cells, name, row.line), source=Source(line=row.line))


def _from_who(document: Document) -> Iterator[Role]:
    """`**Who**: On-call engineer` under each phase."""
    for section, block in every_block(document.root):
        for n, line in block.lines() if block.kind == "paragraph" else ():
            label = split_label(line)
            if label and re.fullmatch(r"who|owner|responsible|lead", label.label, re.I):
                for name in re.split(r"\s+\+\s+|,\s+|\s+and\s+|\s+or\s+", plain(label.value)):
                    if _is_role(name) and section.level and len(name.split()) > 1:
                        yield Role(name=name, source=Source(line=n))


def compile_contacts(document: Document, notes: Notes) -> tuple[Contact, ...]:
    """One contact per row of each contact table."""
    found = []
    for section, block, heads in _contact_tables(document):
        if any(re.search(r"responsib|sla", head) for head in heads) and not any("email" in head for head in heads):
            continue
        for row in block.rows:
            cells = {
                head: "" if _NOBODY.fullmatch(said) else said
                for head, said in zip(heads, map(plain, row.cells), strict=False)
            }
            notes.use(row.line)
            found.append(
                _row_contact(
                    cells,
                    heads,
                    row.line,
                    vendor=bool(_VENDOR.search(section.title) or re.search(r"vendor|provider", heads[0])),
                )
            )
    return tuple(found)


def _row_contact(cells: dict[str, str], heads: list[str], line: int, *, vendor: bool) -> Contact:
    def pick(pattern: str) -> str:
        return next((text for head, text in cells.items() if re.search(pattern, head)), "")

    first = cells.get(heads[0], "")
    reach = pick(r"^contact|method|reach")
    mail = pick(r"e-?mail") or (match[0] if (match := _EMAIL.search(reach)) else "")
    phone = pick(r"phone|tel|mobile") or (match[0] if (match := _PHONE.search(reach)) else "")
    return Contact(
        name=first if vendor else pick(r"primary|^name$|^person$") or (reach if not mail and not phone else ""),
        kind="vendor" if vendor else "primary",
        role="" if vendor else first,
        organisation=first if vendor else "",
        service=pick(r"^service|product"),
        email=mail,
        phone=phone,
        support_level=pick(r"support|tier|plan"),
        text=" | ".join(text for text in cells.values() if text),
        source=Source(line=line),
    )
