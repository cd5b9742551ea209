"""`/api/chat-users`: who the users of a chat are here. Whoever is linked acts there as that person."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Response, Router, delete, get, put
from litestar.exceptions import NotFoundException

from tocsin.chat.desk import CHAT_USER
from tocsin.http.api_directory import check_name
from tocsin.http.api_incidents import DENIED, json_of, problem
from tocsin.http.gate import Incoming, deps_of, needs
from tocsin.http.problems import Unacceptable
from tocsin.ports import Store

ChatKind = Literal["slack", "telegram"]
READS = {**DENIED, 404: problem("Nobody is linked there")}
WRITES = {**READS, 400: problem("A field is wrong; `errors` names it")}


class ChatUserForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    person: str


class ChatUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user of a chat, and the person they are here."""

    kind: str
    user: str
    person: str


class ChatUserList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ChatUser]


@get("/", summary="Who is who in the chats", responses=DENIED, operation_id="list-chat-users")
async def list_users(request: Incoming) -> ChatUserList:
    deps = deps_of(request)
    stored = await deps.read(lambda store: store.items(deps.tenant, CHAT_USER))
    return ChatUserList(items=[_shown(name, body) for name, body in stored])


@put(
    "/{kind:str}/{user:str}",
    summary="Say who a user of a chat is",
    guards=[needs("channel.manage")],
    responses=WRITES,
    operation_id="put-chat-user",
)
async def put_user(request: Incoming, kind: ChatKind, user: str, data: ChatUserForm) -> Response[ChatUser]:
    """They act as that person from now on, with that person's role."""
    deps = deps_of(request)
    check_name(user)

    def keep(store: Store) -> None:
        if store.get(deps.tenant, "person", data.person) is None:
            raise Unacceptable(f"person: expected the id of a person, got {data.person!r}")
        store.put(deps.tenant, CHAT_USER, f"{kind}:{user}", msgspec.json.encode(data.person))

    await deps.run(keep)
    return json_of(ChatUser(kind=kind, user=user, person=data.person))


@delete(
    "/{kind:str}/{user:str}",
    summary="Forget who a user of a chat is",
    guards=[needs("channel.manage")],
    responses=READS,
    operation_id="delete-chat-user",
)
async def delete_user(request: Incoming, kind: ChatKind, user: str) -> None:
    deps = deps_of(request)
    if not await deps.run(lambda store: store.delete(deps.tenant, CHAT_USER, f"{kind}:{user}")):
        raise NotFoundException(f"chat user: nobody is linked to {kind} {user!r}")


def _shown(name: str, body: bytes) -> ChatUser:
    kind, _, user = name.partition(":")
    return ChatUser(kind=kind, user=user, person=msgspec.json.decode(body))


def routes() -> Router:
    handlers: list[Any] = [list_users, put_user, delete_user]
    return Router("/api/chat-users", route_handlers=handlers, guards=[needs("directory.read")], tags=["directory"])
