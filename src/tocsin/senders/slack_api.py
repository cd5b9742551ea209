"""Slack's Web API: one method call, and what its answer means. https://docs.slack.dev/apis/web-api"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlencode

import msgspec

from tocsin.core.paging_text import one_line
from tocsin.ports import Declined, Receipt, ReceiptCode
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Poster, receipt_of, target

API = "https://slack.com/api/"
ANSWER_BYTES_MAX = 1024 * 1024  # a page of conversations.list
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

_CODES: dict[str, tuple[ReceiptCode, bool]] = {
    "is_archived": ("channel_archived", True),
    "not_in_channel": ("not_in_channel", True),
    "channel_not_found": ("channel_unknown", True),
    "user_not_found": ("channel_unknown", True),
    "user_disabled": ("person_gone", True),
    "messages_tab_disabled": ("misconfigured", True),
    "cannot_dm_bot": ("bad_address", True),
    "invalid_auth": ("token_revoked", True),
    "not_authed": ("token_revoked", True),
    "token_revoked": ("token_revoked", True),
    "token_expired": ("token_revoked", True),
    "account_inactive": ("token_revoked", True),
    "org_login_required": ("token_revoked", True),
    "missing_scope": ("missing_scope", True),
    "no_permission": ("missing_scope", True),
    "not_allowed_token_type": ("missing_scope", True),
    "restricted_action": ("missing_scope", True),
    "msg_too_long": ("too_large", True),
    "msg_blocks_too_long": ("too_large", True),
    "rate_limited": ("throttled", False),
    "ratelimited": ("throttled", False),
    "message_limit_exceeded": ("throttled", False),
    "internal_error": ("refused", False),
    "fatal_error": ("refused", False),
    "service_unavailable": ("refused", False),
    "request_timeout": ("refused", False),
    "team_added_to_org": ("refused", False),
}


Result = dict[str, Any] | Declined


class SlackApi:
    """Calls methods with one bot token. `base_url`: Slack's, or a server that speaks like it."""

    def __init__(
        self,
        *,
        token: str,
        base_url: str = API,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._base = base_url.rstrip("/") + "/"
        self._token = token
        # The address is the administrator's, never a label's, and a stand-in on this machine is allowed.
        self._poster = Poster(
            allow_private=True, timeout_seconds=timeout_seconds, tls=tls, answer_bytes_max=ANSWER_BYTES_MAX
        )

    async def call(self, method: str, /, *, token: str | None = None, **arguments: Any) -> Result:
        """What the method answered. Arguments that are None are left out; lists and objects go as JSON."""
        form = {name: _plain(value) for name, value in arguments.items() if value is not None}
        to = target(self._base + method)
        headers = {**FORM, "Authorization": f"Bearer {token or self._token}"}
        answer = await self._poster.post(to, headers, urlencode(form).encode())
        if isinstance(answer, Receipt):
            return Declined(error="", receipt=answer)
        return _read(method, answer, receipt_of(to, answer))

    async def respond(self, url: str, body: dict[str, Any]) -> Receipt:
        """Post to a `response_url`, which only ever leads to Slack (or to the server that stands for it)."""
        try:
            to = target(url)
        except ValueError as error:
            return Receipt(code="bad_address", permanent=True, detail=str(error))
        if to.origin != target(self._base).origin and not (to.scheme == "https" and to.host.endswith(".slack.com")):
            detail = f"response_url: expected an address of Slack, got {to.origin}"
            return Receipt(code="bad_address", permanent=True, detail=detail)
        answer = await self._poster.post(to, {}, msgspec.json.encode(body))
        return answer if isinstance(answer, Receipt) else receipt_of(to, answer)

    async def close(self) -> None:
        await self._poster.close()


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()


def _read(method: str, answer: Answer, by_status: Receipt) -> Result:
    if by_status.code != "sent":
        return Declined(error="", receipt=by_status)
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        said = None
    if not isinstance(said, dict) or "ok" not in said:
        return Declined(error="", receipt=Receipt(code="unknown", detail=f"{method}: the answer is not Slack's"))
    if said["ok"] is True:
        return said
    error = one_line(str(said.get("error", "")), 80)
    code, permanent = _CODES.get(error, ("rejected", True))
    needed = f", needs the scope {one_line(str(said['needed']), 80)}" if said.get("needed") else ""
    return Declined(
        error=error, receipt=Receipt(code=code, permanent=permanent, detail=f"Slack, {method}: {error}{needed}")
    )
