"""Who somebody from an identity provider is here: found by (issuer, sub), linked with care, made where allowed."""

from __future__ import annotations

import msgspec

from tocsin.core.groups import fresh_id, role_for, teams_after
from tocsin.core.people import Directory, Method, Person, Team
from tocsin.guides import read_directory
from tocsin.http import auth
from tocsin.http.api_directory import keep
from tocsin.http.deps import Deps
from tocsin.identity import accounts
from tocsin.identity.accounts import Account, OutsideName
from tocsin.identity.oidc import Claims, Failed, Settings
from tocsin.identity.provisioned import users
from tocsin.ports import Store


def settled(deps: Deps, store: Store, settings: Settings, claims: Claims, person: str = "") -> Account:
    """The account of whoever these claims are of, with the role and teams that their groups mean now. Writer thread.

    `person`: who is signed in and says that this name elsewhere is theirs. Raises Failed.
    """
    tenant = deps.tenant
    link = accounts.outside(store, tenant, claims.issuer, claims.sub)
    if person and link is not None and link.person != person:
        raise Failed(f"this account of {settings.shown} belongs to somebody else here")
    role = role_for(claims.groups, settings.roles, settings.otherwise)
    who = link.person if link else person or _provisioned(store, tenant, claims)
    who = who or _known_by_mail(store, tenant, settings, claims)
    account = accounts.find(store, tenant, who) if who else None
    if role is None and (account is None or account.role_from == "groups"):
        if account is not None:
            auth.end_all(store, tenant, account.person)
        raise Failed(f"your groups at {settings.shown} give you no role here; an administrator can")
    if not who:
        who = _new_person(deps, store, settings, claims)
    if account is None:
        assert role is not None, "said above"
        account = Account(person=who, role=role, role_from="groups", created_at=store.now())
        accounts.keep(store, tenant, account)
    elif account.role_from == "groups" and role is not None and account.role != role:
        account = msgspec.structs.replace(account, role=role)
        accounts.keep(store, tenant, account)
    if link is None:
        name = OutsideName(issuer=claims.issuer, sub=claims.sub, person=who, linked_at=store.now())
        accounts.link_outside(store, tenant, name)
    _into_teams(deps, store, settings, claims, who)
    return account


def _known_by_mail(store: Store, tenant: str, settings: Settings, claims: Claims) -> str:
    """The person who has shown that this mail address is theirs, as the provider has seen too; "" for nobody.

    An address that either side has not verified proves nothing, and neither does one that two people have.
    """
    if not claims.email:
        return ""
    mail = claims.email.casefold()
    directory = read_directory(store, tenant)
    found = {
        each.id
        for each in directory.people.values()
        for method in each.methods
        if method.kind == "email" and method.verified_at is not None and method.address.casefold() == mail
    }
    if len(found) != 1:
        return ""
    person = found.pop()
    if any(each.issuer == claims.issuer for each in accounts.outside_names(store, tenant, person)):
        raise Failed(f"{person} is another account of {settings.shown} already; an administrator can change that")
    return person


def _new_person(deps: Deps, store: Store, settings: Settings, claims: Claims) -> str:
    """The id of somebody new, who is in the directory from now on. Raises Failed."""
    if not settings.create:
        raise Failed("nobody here has this account yet: sign in another way once, and link it under Your account")
    return made(deps, store, claims.username or claims.name, claims.name, claims.email)


def made(deps: Deps, store: Store, wanted: str, name: str, email: str) -> str:
    """The id of somebody new in the directory: as wanted, unless anybody or anything has it. Writer thread only."""
    directory = read_directory(store, deps.tenant)
    taken = {*directory.people, *(each.person for each in accounts.every(store, deps.tenant)), *_words(directory)}
    who = fresh_id(wanted, taken)
    methods = (Method(kind="email", address=email),) if email else ()
    keep(deps, store, "person", who, Person(id=who, name=name, methods=methods))
    return who


def _provisioned(store: Store, tenant: str, claims: Claims) -> str:
    """The person whom the provider has provisioned under this `sub`, or with this address that it has verified; ""
    for nobody. Both are its own word, given with a token of an administrator's."""
    mail = claims.email.casefold() if claims.email else None
    found = {
        each.person
        for each in users(store, tenant)
        if each.external_id == claims.sub or (mail and mail in (each.email.casefold(), each.user_name.casefold()))
    }
    return found.pop() if len(found) == 1 else ""


def _words(directory: Directory) -> set[str]:
    """What a guide's words may mean already: a new person's id must not become one of them by accident."""
    roles = {role for each in directory.people.values() for role in each.roles}
    return {"admin", "local", "owner", *directory.teams, *directory.bindings, *directory.schedules, *roles}


def _into_teams(deps: Deps, store: Store, settings: Settings, claims: Claims, who: str) -> None:
    teams = {
        name: msgspec.json.decode(body, type=Team)
        for name, body in store.items(deps.tenant, "team")
        if name in settings.teams.values()
    }
    changed = teams_after({name: each.members for name, each in teams.items()}, who, claims.groups, settings.teams)
    for name, members in changed.items():
        keep(deps, store, "team", name, msgspec.structs.replace(teams[name], members=members))
