"""Users as an identity provider provisions them: SCIM 2.0, of which this is the part about users.

RFC 7643 (schema) and RFC 7644 (protocol). Attribute names do not heed case; what is not ours to keep is ignored, except
in the path of a PATCH, which says exactly what it wants changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
TEXT_MAX = 300
OPERATIONS_MAX = 50

_FILTER = re.compile(r'\s*(?P<name>[\w:.]+)\s+eq\s+"(?P<value>(?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_MAIL_PATH = re.compile(r'emails(?:\[\s*(?:type|primary)\s+eq\s+(?:"\w+"|true)\s*\])?(?:\.value)?', re.IGNORECASE)


class Invalid(ValueError):
    """What was asked cannot be; `kind` is SCIM's word for why."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class User(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a provisioned user. `person`: who they are here."""

    id: str
    person: str
    user_name: str
    external_id: str = ""
    name: str = ""
    email: str = ""
    active: bool = True
    created_at: datetime
    changed_at: datetime


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of a user. None: it does not say."""

    user_name: str | None = None
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    active: bool | None = None


def wanted(body: Any) -> Wanted:
    """What the whole resource says. Raises Invalid."""
    said = _folded(body, "the body")
    names = _folded(said.get("name") or {}, "name")
    parts = (names.get("givenname"), names.get("familyname"))
    name = said.get("displayname") or names.get("formatted") or " ".join(str(each) for each in parts if each)
    return Wanted(
        user_name=_text("userName", said.get("username")),
        external_id=_text("externalId", said.get("externalid")),
        name=_text("displayName", name or None),
        email=_email(said.get("emails")),
        active=_flag(said["active"]) if said.get("active") is not None else None,
    )


def patched(body: Any) -> Wanted:
    """What a PATCH wants changed. Raises Invalid."""
    said = _folded(body, "the body")
    operations = said.get("operations")
    if not isinstance(operations, list) or not 0 < len(operations) <= OPERATIONS_MAX:
        raise Invalid("invalidSyntax", f"Operations: expected 1 to {OPERATIONS_MAX}")
    found = Wanted()
    for each in operations:
        step = _folded(each, "Operations")
        verb, path = str(step.get("op", "")).casefold(), step.get("path")
        if verb not in ("add", "replace", "remove"):
            raise Invalid("invalidSyntax", f"op: expected add, replace or remove, got {step.get('op')!r}")
        if verb == "remove":
            more = _removed(str(path or ""))
        elif path is None:
            more = _unpathed(step.get("value"))
        else:
            more = _at(str(path), step.get("value"))
        said_now = {name: value for name in Wanted.__struct_fields__ if (value := getattr(more, name)) is not None}
        found = msgspec.structs.replace(found, **said_now)
    return found


def after(user: User, said: Wanted, now: datetime, *, whole: bool = False) -> User:
    """The user with what was said; `whole`: what was not said is empty (PUT), except whether they are active."""
    empty = {"external_id": "", "name": "", "email": ""} if whole else {}
    values = {name: value for name in Wanted.__struct_fields__ if (value := getattr(said, name)) is not None}
    changed = msgspec.structs.replace(user, **{**empty, **values})
    return user if changed == user else msgspec.structs.replace(changed, changed_at=now)


def sought(text: str) -> tuple[str, str]:
    """The attribute and the value that a filter asks for. Raises Invalid for all but `ATTRIBUTE eq "VALUE"`."""
    found = _FILTER.fullmatch(text)
    name = found["name"].rpartition(":")[2].casefold() if found else ""
    if not found or name not in ("username", "externalid", "id"):
        raise Invalid("invalidFilter", f'filter: expected userName, externalId or id eq "...", got {text[:100]!r}')
    return name, re.sub(r"\\(.)", r"\1", found["value"])


def fits(user: User, name: str, value: str) -> bool:
    match name:
        case "username":
            return user.user_name.casefold() == value.casefold()
        case "externalid":
            return user.external_id == value
    return user.id == value


def resource(user: User, base: str) -> dict[str, Any]:
    """The user as SCIM shows them. `base`: the address of the API."""
    optional: dict[str, Any] = {}
    if user.external_id:
        optional["externalId"] = user.external_id
    if user.name:
        optional |= {"displayName": user.name, "name": {"formatted": user.name}}
    if user.email:
        optional["emails"] = [{"value": user.email, "type": "work", "primary": True}]
    return {
        "schemas": [USER],
        "id": user.id,
        "userName": user.user_name,
        "active": user.active,
        **optional,
        "meta": {
            "resourceType": "User",
            "created": user.created_at.isoformat(),
            "lastModified": user.changed_at.isoformat(),
            "location": f"{base}/Users/{user.id}",
        },
    }


def listed(found: Sequence[dict[str, Any]], start: int, count: int) -> dict[str, Any]:
    """A page of resources; `start` counts from 1."""
    page = found[start - 1 : start - 1 + count]
    return {
        "schemas": [LIST],
        "totalResults": len(found),
        "startIndex": start,
        "itemsPerPage": len(page),
        "Resources": list(page),
    }


def error(status: int, detail: str, kind: str = "") -> dict[str, Any]:
    return {"schemas": [ERROR], "status": str(status), "detail": detail} | ({"scimType": kind} if kind else {})


# --- reading what came ------------------------------------------------------------------------------------------------


def _folded(body: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("invalidSyntax", f"{where}: expected a JSON object")
    return {str(name).casefold(): value for name, value in body.items()}


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > TEXT_MAX or not value.isprintable():
        raise Invalid("invalidValue", f"{name}: expected at most {TEXT_MAX} printable characters")
    return value.strip()


def _flag(value: Any) -> bool:
    """Some providers say it as a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    raise Invalid("invalidValue", f"active: expected true or false, got {value!r}")


def _email(value: Any) -> str | None:
    """The primary address, else the first."""
    if value is None:
        return None
    if isinstance(value, str):
        return _text("emails", value)
    if not isinstance(value, list):
        raise Invalid("invalidValue", "emails: expected a list")
    rows = [_folded(each, "emails") for each in value]
    chosen = [row for row in rows if row.get("primary") is True] or rows
    return _text("emails.value", chosen[0].get("value")) if chosen else ""


def _unpathed(value: Any) -> Wanted:
    """A value without a path is a part of the resource; some providers write paths as its names."""
    said = _folded(value, "value")
    plain = {name: each for name, each in said.items() if "." not in name and "[" not in name}
    found = wanted(plain)
    for name in said.keys() - plain.keys():
        more = _at(name, said[name])
        told = {key: each for key in Wanted.__struct_fields__ if (each := getattr(more, key)) is not None}
        found = msgspec.structs.replace(found, **told)
    return found


def _at(path: str, value: Any) -> Wanted:
    short = path.removeprefix(f"{USER}:")
    match short.casefold():
        case "active":
            return Wanted(active=_flag(value))
        case "username":
            return Wanted(user_name=_text("userName", value))
        case "externalid":
            return Wanted(external_id=_text("externalId", value))
        case "displayname" | "name.formatted":
            return Wanted(name=_text("displayName", value))
        case "name":
            return wanted({"name": value})
        case "name.givenname" | "name.familyname" | "title" | "preferredlanguage" | "locale" | "timezone":
            return Wanted()  # not kept apart
    if _MAIL_PATH.fullmatch(short):
        return Wanted(email=_email(value))
    raise Invalid("invalidPath", f"path: expected an attribute that is kept, got {path[:100]!r}")


def _removed(path: str) -> Wanted:
    match path.removeprefix(f"{USER}:").casefold():
        case "externalid":
            return Wanted(external_id="")
        case "displayname" | "name" | "name.formatted":
            return Wanted(name="")
        case "username" | "active" | "id":
            raise Invalid("mutability", f"path: {path} cannot be removed")
    if path and _MAIL_PATH.fullmatch(path):
        return Wanted(email="")
    raise Invalid("noTarget", f"path: expected an attribute that is kept, got {path[:100]!r}")
