"""An identity provider provisions people: found, made, changed, deactivated, and what must never happen by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.world import Server
from tocsin.core.people import Method, Person
from tocsin.core.scim import LIST, PATCH, USER
from tocsin.http import auth
from tocsin.http.auth import Visit
from tocsin.http.outside import settled
from tocsin.identity import accounts
from tocsin.identity.oidc import Claims, Settings
from tocsin.ports import Store
from tocsin.wiring.readied import readiness

ACTIVE: dict[str, Any] = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": True}}]}
INACTIVE: dict[str, Any] = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
OF_ENTRA: dict[str, Any] = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
CLEO: dict[str, Any] = {
    "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "userName": "cleo@example.org",
    "externalId": "00u1",
    "name": {"givenName": "Cleo", "familyName": "Marsh"},
    "emails": [{"value": "cleo@example.org", "primary": True, "type": "work"}],
    "active": True,
    "groups": [],
}


def provider(server: Server, role: auth.Spoken = "administrator") -> httpx2.Client:
    """The identity provider, with a token of the scope as an administrator makes it."""
    made = server.client(server.world.token("owner", "olga")).post(
        "/api/tokens", json={"name": "okta", "role": role, "service": True, "scope": "scim"}
    )
    assert made.status_code == 201, made.text
    return server.client(made.json()["token"], **{"Content-Type": "application/scim+json"})


def send(api: httpx2.Client, method: str, path: str, body: dict[str, Any]) -> httpx2.Response:
    return api.request(method, f"/scim/v2{path}", content=msgspec.json.encode(body))


def created(api: httpx2.Client, **more: Any) -> dict[str, Any]:
    answer = send(api, "POST", "/Users", CLEO | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def person(server: Server, name: str) -> Person:
    body = server.world.do(lambda store: store.get("default", "person", name))
    assert body is not None
    return msgspec.json.decode(body, type=Person)


def signed_in(server: Server, name: str, role: Any) -> str:
    """A session of somebody who has an account."""

    def begin(store: Store) -> str:
        accounts.with_role(store, "default", name, role)
        return auth.begin(store, "default", name, role, "password", Visit()).text

    return server.world.do(begin)


def alive(server: Server, session: str) -> bool:
    cookie = server.client(Cookie=f"{auth.COOKIE}={session}")
    return cookie.get("/api/me").status_code == 200


def test_somebody_new_is_in_the_directory_and_found_again(server: Server):
    api = provider(server)

    assert api.get("/scim/v2/Users", params={"filter": 'userName eq "cleo@example.org"'}).json()["totalResults"] == 0
    made = send(api, "POST", "/Users", CLEO)

    user = made.json()
    assert made.headers["content-type"] == "application/scim+json"
    assert made.headers["location"] == user["meta"]["location"] == f"{server.url}/scim/v2/Users/{user['id']}"
    assert (user["userName"], user["displayName"], user["active"]) == ("cleo@example.org", "Cleo Marsh", True)
    cleo = person(server, "cleo")
    assert (cleo.name, [each.address for each in cleo.methods]) == ("Cleo Marsh", ["cleo@example.org"])
    listed = api.get("/scim/v2/Users", params={"filter": 'username EQ "CLEO@example.org"'}).json()
    assert (listed["schemas"], listed["totalResults"], listed["Resources"]) == ([LIST], 1, [user])
    assert api.get(f"/scim/v2/Users/{user['id']}").json() == user
    assert send(api, "POST", "/Users", CLEO).json()["scimType"] == "uniqueness"


def test_whoever_has_the_address_already_is_that_person(server: Server):
    api = provider(server)
    emails = [{"value": "ANA@example.org", "primary": True}]

    created(api, userName="ana.ivanova", emails=emails, externalId="x")

    assert person(server, "ana").name == "Ana Ivanova"
    assert server.world.do(lambda store: [name for name, _ in store.items("default", "person")]) == ["ana", "ben"]


@pytest.mark.parametrize("body", [INACTIVE, OF_ENTRA])
def test_deactivation_ends_everything_and_activation_gives_back_the_way_in(server: Server, body: dict[str, Any]):
    api = provider(server)
    user = created(api)
    session = signed_in(server, "cleo", "responder")
    token = server.world.token("responder", "cleo")
    link = server.world.do(lambda store: auth.sign_in_link(store, "", "cleo", "responder"))
    assert alive(server, session) and server.client(token).get("/api/me").status_code == 200

    answer = send(api, "PATCH", f"/Users/{user['id']}", body)

    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert not alive(server, session) and server.client(token).get("/api/me").status_code == 401
    assert server.client(Origin=server.url).post(link).status_code >= 400
    assert not person(server, "cleo").active
    fresh = server.world.do(lambda store: auth.begin(store, "default", "cleo", "responder", "link", Visit()).text)
    assert not alive(server, fresh)
    assert not accounts.every(server.world.store, "default")[0].password
    send(api, "PATCH", f"/Users/{user['id']}", ACTIVE)
    assert alive(server, signed_in(server, "cleo", "responder")) and person(server, "cleo").active


def test_the_last_owner_is_never_locked_out(server: Server):
    api = provider(server, "owner")
    user = created(api)
    session = signed_in(server, "cleo", "owner")

    for answer in (
        send(api, "PATCH", f"/Users/{user['id']}", INACTIVE),
        api.delete(f"/scim/v2/Users/{user['id']}"),
        send(api, "PUT", f"/Users/{user['id']}", CLEO | {"active": False}),
    ):
        assert (answer.status_code, answer.json()["status"]) == (409, "409")
        assert "nobody else is an owner" in answer.json()["detail"]
    assert alive(server, session) and person(server, "cleo").active

    other = signed_in(server, "dora", "owner")
    assert send(api, "PATCH", f"/Users/{user['id']}", INACTIVE).status_code == 200
    assert not alive(server, session) and alive(server, other)


def test_a_token_takes_nobody_away_who_is_above_it(server: Server):
    api = provider(server)
    user = created(api)
    session = signed_in(server, "cleo", "owner")
    signed_in(server, "dora", "owner")

    assert send(api, "PATCH", f"/Users/{user['id']}", INACTIVE).status_code == 403
    assert alive(server, session)


def test_whoever_is_on_call_is_not_taken_away_silently(server: Server):
    api, world = provider(server), server.world
    user = created(api, userName="ana", emails=[{"value": "ana@example.org"}])  # level 1 of the guide

    send(api, "PATCH", f"/Users/{user['id']}", INACTIVE)

    gaps = world.do(lambda store: readiness(store, world.engine.guides, world.tenant))
    said = [(each.level, each.text) for each in gaps if "identity provider" in each.text]
    assert said == [("error", "ana was deactivated by the identity provider and is on call now: they are not paged")]


def test_the_token_opens_nothing_else_and_no_other_role_opens_this(server: Server):
    api = provider(server, "owner")

    for path in ("/api/me", "/api/incidents", "/api/people", "/api/tokens", "/api/audit"):
        assert api.get(path).status_code == 403, path
    answer = api.post("/api/tokens", json={"name": "more", "role": "owner", "service": True})
    assert answer.status_code == 403
    for role in ("viewer", "responder", "commander"):
        refused = server.client(server.world.token(role, "eve")).get("/scim/v2/Users")  # type: ignore[arg-type]
        assert (refused.status_code, refused.json()["schemas"]) == (
            403,
            ["urn:ietf:params:scim:api:messages:2.0:Error"],
        )
    assert server.client().get("/scim/v2/Users").status_code == 401
    weak = {"name": "weak", "role": "responder", "service": True, "scope": "scim"}
    assert server.client(server.world.token("owner", "olga")).post("/api/tokens", json=weak).status_code == 400


def test_a_user_is_replaced_changed_in_parts_and_removed(server: Server):
    api = provider(server)
    path = f"/Users/{created(api)['id']}"

    replaced = send(api, "PUT", path, {"userName": "cleo.m", "emails": [{"value": "cm@example.org"}]}).json()
    assert (replaced["userName"], replaced.get("displayName"), replaced["active"]) == ("cleo.m", None, True)
    assert [each.address for each in person(server, "cleo").methods] == ["cm@example.org"]
    steps = [
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "cleo@example.net"},
        {"op": "replace", "value": {"displayName": "Cleo M.", "name.givenName": "Cleo"}},
        {"op": "remove", "path": "externalId"},
    ]
    changed = send(api, "PATCH", path, {"schemas": [PATCH], "Operations": steps}).json()
    assert (changed["displayName"], changed["emails"][0]["value"]) == ("Cleo M.", "cleo@example.net")
    assert api.delete(f"/scim/v2{path}").status_code == 204
    assert api.get(f"/scim/v2{path}").status_code == 404
    assert not person(server, "cleo").active


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", "/Users", {"schemas": [USER]}, "invalidValue"),
        ("POST", "/Users", {"userName": "x" * 400}, "invalidValue"),
        ("POST", "/Users", {"userName": "x", "active": "perhaps"}, "invalidValue"),
        ("PATCH", "/Users/{}", {"Operations": []}, "invalidSyntax"),
        ("PATCH", "/Users/{}", {"Operations": [{"op": "grow"}]}, "invalidSyntax"),
        ("PATCH", "/Users/{}", {"Operations": [{"op": "replace", "path": "roles", "value": "x"}]}, "invalidPath"),
        ("PATCH", "/Users/{}", {"Operations": [{"op": "remove", "path": "userName"}]}, "mutability"),
    ],
)
def test_what_cannot_be_is_refused_in_scims_words(
    server: Server, method: str, path: str, body: dict[str, Any], kind: str
):
    api = provider(server)
    name = created(api)["id"]

    answer = send(api, method, path.format(name), body)

    assert (answer.status_code, answer.json()["scimType"], answer.json()["status"]) == (400, kind, "400")
    assert api.get("/scim/v2/Users", params={"filter": 'emails co "x"'}).json()["scimType"] == "invalidFilter"


def test_a_provider_can_ask_what_there_is(server: Server):
    api = provider(server)
    created(api)

    config = api.get("/scim/v2/ServiceProviderConfig").json()
    assert (config["patch"]["supported"], config["bulk"]["supported"]) == (True, False)
    assert api.get("/scim/v2/ResourceTypes").json()["Resources"][0]["endpoint"] == "/Users"
    schema = api.get("/scim/v2/Schemas").json()["Resources"][0]
    assert api.get(f"/scim/v2/Schemas/{USER}").json() == schema
    page = api.get("/scim/v2/Users", params={"startIndex": 2, "count": 1}).json()
    assert (page["totalResults"], page["itemsPerPage"], page["Resources"]) == (1, 0, [])


def test_whoever_was_provisioned_signs_in_as_themselves_and_not_when_deactivated(server: Server):
    """Else a second account, that no deactivation reaches, would be made at their first sign-in."""
    api, world = provider(server), server.world
    user = created(api)
    settings = Settings(
        issuer="https://idp.example", client_id="t", client_secret="s", name="", scopes=(), groups_claim="groups",
        roles={}, teams={}, otherwise="responder", create=True,
    )  # fmt: skip
    claims = Claims(issuer="https://idp.example", sub="00u1", username="cm", name="Cleo", email="", groups=())

    account = world.do(lambda store: settled(world, store, settings, claims))
    assert account.person == "cleo"
    send(api, "PATCH", f"/Users/{user['id']}", INACTIVE)
    assert world.do(lambda store: settled(world, store, settings, claims)).disabled_at is not None


def test_what_the_file_says_of_somebody_does_not_bring_them_back(server: Server):
    from tocsin.wiring.furnish import _as_known

    api, world = provider(server), server.world
    user = created(api)
    send(api, "PATCH", f"/Users/{user['id']}", INACTIVE)
    told = Person(id="cleo", name="Cleo", methods=(Method(kind="email", address="cleo@example.org"),))

    assert not world.do(lambda store: _as_known(store, world.tenant, told)).active
    world.clock.advance(timedelta(minutes=1))
    send(api, "PATCH", f"/Users/{user['id']}", ACTIVE)
    assert world.do(lambda store: _as_known(store, world.tenant, told)).active
