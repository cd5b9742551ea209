"""Errors as RFC 9457 problem JSON, saying to whoever must act which field, what was expected, what came."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from tocsin.core.incident import Refused
from tocsin.engine import NotFound
from tocsin.guides import UnknownGuide
from tocsin.identity.attempts import Later
from tocsin.identity.hashing import Busy
from tocsin.ports import Conflict, QuotaMet
from tocsin.writer import Overloaded

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
BODY_MAX = 1024 * 1024  # people's API: the largest honest body is a root cause with its story

_EXPECTED = re.compile(r"^Expected (?P<expected>.+?)(?:, got (?P<got>.+))?$", re.DOTALL)
_FIELD_OF = re.compile(
    r"^(?P<field>[A-Za-z_][\w.\[\]-]*): expected (?P<expected>.+?)(?:, got (?P<got>.+))?$", re.DOTALL
)
_AT_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")
_NOT_ONE_OF = re.compile(r"^Invalid enum value (?P<got>.+)$", re.DOTALL)
_INSTEAD = {
    "Invalid RFC3339 encoded datetime": "an instant with its zone, such as 2026-11-23T08:00:00Z",
    "Input data was truncated": "JSON, whole; it ends too early",
}
_NAMED = re.compile(r"^Object (?P<what>missing required|contains unknown) field `(?P<field>[^`]+)`")


class Unacceptable(Exception):
    """The request names something that is not there or says something that cannot be; the text names the field."""


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to correct. `field` is a dotted path; `got` empty: nothing came."""

    field: str
    expected: str
    got: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457. `type` is `about:blank` where the status says it all."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def field_error(text: str, field: str = "") -> FieldError:
    """What a msgspec or Tocsin message says, in parts."""
    path = _AT_PATH.search(text)
    where = path["path"].removeprefix("$").removeprefix(".") if path else ""
    text = _AT_PATH.sub("", text)
    if named := _NAMED.match(text):
        inside = ".".join(part for part in (field, where, named["field"]) if part)
        missing = named["what"] == "missing required"
        return FieldError(field=inside, expected="a value" if missing else "no such field", got="" if missing else "it")
    if ours := _FIELD_OF.match(text):
        return FieldError(field=ours["field"], expected=ours["expected"], got=ours["got"] or "")
    name = ".".join(part for part in (field, where) if part)
    if theirs := _EXPECTED.match(text):
        return FieldError(field=name, expected=theirs["expected"].replace("`", ""), got=_plain(theirs["got"]))
    if text in _INSTEAD:
        return FieldError(field=name, expected=_INSTEAD[text])
    if other := _NOT_ONE_OF.match(text):
        return FieldError(field=name, expected="one of the words that /api/openapi.json lists", got=other["got"])
    return FieldError(field=name, expected=text)


def _sentence(error: FieldError) -> str:
    came = f", got {error.got}" if error.got not in ("", "it") else ""
    return f"{error.field or 'body'}: expected {error.expected}{came}"


def _plain(text: str | None) -> str:
    return (text or "").replace("`", "")


def answer(status: int, detail: str, errors: list[FieldError] | None = None, title: str = "") -> Response[Problem]:
    """A problem as a response."""
    problem = Problem(
        type="about:blank",
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors or [],
    )
    headers = {"WWW-Authenticate": 'Bearer realm="tocsin"'} if status == HTTPStatus.UNAUTHORIZED else {}
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def on_refused(_: Request[Any, Any, Any], refusal: Refused) -> Response[Problem]:
    return answer(409, str(refusal), title="The incident's state does not allow it")


def on_conflict(_: Request[Any, Any, Any], conflict: Conflict) -> Response[Problem]:
    return answer(409, str(conflict))


def on_quota(_: Request[Any, Any, Any], met: QuotaMet) -> Response[Problem]:
    return answer(409, str(met), [field_error(str(met))], title="A limit of this organisation is met")


def on_unacceptable(_: Request[Any, Any, Any], error: Unacceptable) -> Response[Problem]:
    found = field_error(str(error))
    return answer(400, _sentence(found) if found.field else str(error), [found])


def on_overload(_: Request[Any, Any, Any], error: Overloaded) -> Response[Problem]:
    response = answer(503, str(error))
    response.headers["Retry-After"] = "1"
    return response


def on_later(_: Request[Any, Any, Any], later: Later) -> Response[Problem]:
    response = answer(429, str(later))
    response.headers["Retry-After"] = str(later.seconds)
    return response


def on_busy(_: Request[Any, Any, Any], busy: Busy) -> Response[Problem]:
    response = answer(503, str(busy))
    response.headers["Retry-After"] = "5"
    return response


def on_deep(_: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    """msgspec raises it for JSON nested a thousand levels deep; nothing else here recurses."""
    return answer(400, "body: expected JSON nested less deeply")


def on_undecodable(_: Request[Any, Any, Any], error: UnicodeDecodeError) -> Response[Problem]:
    """Litestar lets it through for a body that is not UTF-8; nothing else here decodes what somebody sent."""
    return answer(400, f"body: expected JSON in UTF-8, got the byte 0x{error.object[error.start]:02x} at {error.start}")


def on_overflow(_: Request[Any, Any, Any], error: OverflowError) -> Response[Problem]:
    """An instant of the year 1 or 9999, plus or minus something; every other number is bounded where it is read."""
    return answer(400, "an instant or a number is further away than can be counted with")


def on_failure(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """What nobody foresaw: logged with its traceback, answered without it."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return answer(500, "Tocsin failed to answer this request; its log says why")


def on_not_found(_: Request[Any, Any, Any], error: NotFound | UnknownGuide) -> Response[Problem]:
    return answer(404, str(error))


def on_too_large(request: Request[Any, Any, Any], _: RequestEntityTooLarge) -> Response[Problem]:
    """Litestar looks at the bound of the route, by what was announced and by what came."""
    came = request.headers.get("content-length", "more")
    found = FieldError(field="body", expected=f"at most {BODY_MAX} bytes", got=came)
    return answer(413, _sentence(found), [found])


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Litestar's own refusals: routes, methods, decoding, validation."""
    if isinstance(error, ValidationException):
        found = [
            field_error(str(each["message"]), str(each.get("key", "")).removeprefix("data").removeprefix("."))
            for each in error.extra or []
            if isinstance(each, dict) and "message" in each
        ]
        text = "; ".join(_sentence(each) for each in found)
        return answer(400, text or error.detail, found)
    response = answer(error.status_code, error.detail)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


HANDLERS: dict[Any, Any] = {
    NotFound: on_not_found,
    UnknownGuide: on_not_found,
    Refused: on_refused,
    Conflict: on_conflict,
    Unacceptable: on_unacceptable,
    QuotaMet: on_quota,
    HTTPException: on_http,
    NotFoundException: on_http,  # by its own name, which counts for more than its parent's further out
    RequestEntityTooLarge: on_too_large,
    Overloaded: on_overload,
    Later: on_later,
    Busy: on_busy,
    RecursionError: on_deep,
    OverflowError: on_overflow,
    UnicodeDecodeError: on_undecodable,
    500: on_failure,
}
