"""Query parameters are what the description says, exactly.

Litestar converts them leniently: `1e1` would be 10 and `5.0` be 5, a second `limit` would be dropped, and a name that
nobody knows would be ignored, so that a misspelt filter answers with everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg
from litestar.typing import FieldDefinition

OWN = "/api/"  # the pages take what links of mail programs append

_RESERVED = frozenset({"request", "data", "state", "headers", "cookies", "query", "body", "scope", "socket"})
_FORMS: Mapping[type, tuple[re.Pattern[str], str]] = {
    int: (re.compile(r"-?(0|[1-9][0-9]{0,17})"), "a whole number in digits"),
    bool: (re.compile(r"true|false"), "true or false"),
    datetime: (
        re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)"),
        "an instant such as 2026-03-01T09:30:00Z",
    ),
}


def exact_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: raises ValidationException naming every parameter that is not as described."""
    if not connection.scope["path"].startswith(OWN):
        return
    known = _described(handler)
    given: dict[str, list[str]] = {}
    for name, value in connection.query_params.multi_items():
        given.setdefault(name, []).append(value)
    wrong = [each for name, values in given.items() if (each := _wrong(name, values, known))]
    if wrong:
        raise ValidationException(detail="the query is not as described", extra=wrong)


def _described(handler: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """The handler's query parameters by the names callers use."""
    found = {}
    inside = {name for names in handler.paths for name in re.findall(r"{(\w+)", names)}
    for name, field in handler.parsed_fn_signature.parameters.items():
        said = field.kwarg_definition if isinstance(field.kwarg_definition, ParameterKwarg) else None
        if name in _RESERVED or name in inside or (said and (said.header or said.cookie)):
            continue
        found[(said and said.query) or name] = field
    return found


def _wrong(name: str, values: list[str], known: Mapping[str, FieldDefinition]) -> dict[str, str] | None:
    field = known.get(name)
    if field is None:
        names = ", ".join(sorted(known)) or "no parameter"
        return {"key": name[:100], "message": f"Expected {names}, got a parameter of another name"}
    kinds = {field.annotation, *(inner.annotation for inner in field.inner_types)}
    if (
        len(values) > 1
        and not field.is_non_string_sequence
        and not any(inner.is_non_string_sequence for inner in field.inner_types)
    ):
        return {"key": name, "message": f"Expected one value, got {len(values)}"}
    for kind, (form, words) in _FORMS.items():
        if kind in kinds:
            bad = next((value for value in values if not form.fullmatch(value)), None)
            if bad is not None:
                return {"key": name, "message": f"Expected {words}, got {bad[:100]!r}"}
    return None
