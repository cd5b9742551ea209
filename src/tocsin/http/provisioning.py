"""What an identity provider's word on a user does here: people come, change, and are deactivated. Writer thread only.

Somebody who is deactivated is signed out everywhere, is paged no more, and nothing signs them in. They stay in the
directory and in schedules: taking a turn away silently would leave nobody on call, so readiness says it instead.
"""

from __future__ import annotations

import msgspec

from tocsin.core.access import Actor, Resource
from tocsin.core.incident import Refused
from tocsin.core.people import Method, Person
from tocsin.core.scim import Invalid, User, Wanted, after
from tocsin.http import auth
from tocsin.http.api_directory import keep as keep_document
from tocsin.http.api_emergency import ended
from tocsin.http.deps import Deps
from tocsin.http.gate import insist
from tocsin.http.outside import made
from tocsin.identity import accounts
from tocsin.identity.accounts import Account
from tocsin.identity.provisioned import SCIM_USER, keep, users
from tocsin.ports import Store


def create(deps: Deps, store: Store, actor: Actor, said: Wanted, name: str) -> User:
    """Somebody new, or the one person here who has that mail address already. Raises Invalid, Refused."""
    if not said.user_name:
        raise Invalid("invalidValue", "userName: expected one")
    now = store.now()
    fresh = User(id=name, person="", user_name=said.user_name, created_at=now, changed_at=now)
    user = msgspec.structs.replace(after(fresh, said, now), active=True)
    _check_unique(store, deps.tenant, user)
    person = _known(store, deps.tenant, user.email) or made(deps, store, user.user_name, user.name, user.email)
    user = msgspec.structs.replace(user, person=person)
    keep(store, deps.tenant, user)
    _activate(deps, store, actor, user)
    return change(deps, store, actor, user, said)


def change(deps: Deps, store: Store, actor: Actor, user: User, said: Wanted, *, whole: bool = False) -> User:
    """The user as the provider says now. Raises Invalid, Refused, PermissionDeniedException."""
    changed = after(user, said, store.now(), whole=whole)
    if not changed.user_name:
        raise Invalid("invalidValue", "userName: expected one")
    if changed == user:
        return user
    _check_unique(store, deps.tenant, changed)
    if changed.active != user.active:
        (_activate if changed.active else deactivate)(deps, store, actor, changed)
    _describe(deps, store, user, changed)
    keep(store, deps.tenant, changed)
    return changed


def remove(deps: Deps, store: Store, actor: Actor, user: User) -> None:
    """They are deactivated, and the provider knows them no more. Raises Refused, PermissionDeniedException."""
    deactivate(deps, store, actor, user)
    store.delete(deps.tenant, SCIM_USER, user.id)


def deactivate(deps: Deps, store: Store, actor: Actor, user: User) -> None:
    """Nothing signs them in. Raises Refused for the last owner, PermissionDenied for a role above the token's."""
    tenant, person = deps.tenant, user.person
    account = accounts.find(store, tenant, person)
    insist(actor, "people.provision", Resource(grants=account.role if account else None))
    if accounts.last_owner(store, tenant, person):
        raise Refused(f"cannot deactivate {person}: nobody else is an owner who can sign in; make somebody one first")
    if account is None:
        account = Account(person=person, role="viewer", role_from="groups", created_at=store.now())
    if account.disabled_at is None:
        accounts.keep(store, tenant, msgspec.structs.replace(account, disabled_at=store.now()))
    auth.end_all(store, tenant, person, tokens=True)
    ended(deps, store, actor.id, person)
    _paged(deps, store, person, active=False)


def _activate(deps: Deps, store: Store, actor: Actor, user: User) -> None:
    tenant, person = deps.tenant, user.person
    account = accounts.find(store, tenant, person)
    if account is not None and account.disabled_at is not None:
        insist(actor, "people.provision", Resource(grants=account.role))
        accounts.keep(store, tenant, msgspec.structs.replace(account, disabled_at=None))
        own = (
            account.password
            or accounts.passkeys(store, tenant, person)
            or accounts.outside_names(store, tenant, person)
        )
        if account.role_from == "groups" and not own:  # it was made to say that they are not here
            accounts.remove(store, tenant, person)
    _paged(deps, store, person, active=True)


def _paged(deps: Deps, store: Store, person: str, *, active: bool) -> None:
    found = _person(store, deps.tenant, person)
    if found is not None and found.active != active:
        keep_document(deps, store, "person", person, msgspec.structs.replace(found, active=active))


def _describe(deps: Deps, store: Store, before: User, now: User) -> None:
    """A name or an address that the provider changed is changed in the directory, where it still was as it had said."""
    found = _person(store, deps.tenant, now.person)
    if found is None:
        return
    name = now.name if now.name and found.name in ("", before.name) else found.name
    methods = found.methods
    if now.email and now.email != before.email:
        same = [each for each in methods if each.kind == "email" and each.address == before.email]
        kept = tuple(each for each in methods if each not in same)
        if same or not any(each.kind == "email" for each in methods):
            methods = (Method(kind="email", address=now.email), *kept)
    changed = msgspec.structs.replace(found, name=name, methods=methods)
    if changed != found:
        keep_document(deps, store, "person", now.person, changed)


def _person(store: Store, tenant: str, person: str) -> Person | None:
    body = store.get(tenant, "person", person)
    return msgspec.json.decode(body, type=Person) if body else None


def _known(store: Store, tenant: str, email: str) -> str:
    """The one person who has this address and is nobody else's user; "" for nobody."""
    if not email:
        return ""
    theirs = {each.person for each in users(store, tenant)}
    everybody = [msgspec.json.decode(body, type=Person) for _, body in store.items(tenant, "person")]
    found = [
        each.id
        for each in everybody
        if any(method.kind == "email" and method.address.casefold() == email.casefold() for method in each.methods)
    ]
    return found[0] if len(found) == 1 and found[0] not in theirs else ""


def _check_unique(store: Store, tenant: str, user: User) -> None:
    for each in users(store, tenant):
        if each.id != user.id and each.user_name.casefold() == user.user_name.casefold():
            raise Invalid("uniqueness", f"userName: {user.user_name!r} is another user's")
