"""As much of JSON Schema as Atlassian's description uses: types, enums, formats, references."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "Object": dict,
}


def problems_with(
    value: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str = "", *, nulls: bool = False
) -> list[str]:
    """Where the value does not fit, as sentences. `nulls`: null stands for a missing field, as in the public API."""
    if "$ref" in schema:
        return problems_with(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, path, nulls=nulls)
    if value is None and nulls:
        return []
    kind = schema.get("type", "object")
    if not isinstance(value, TYPES[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        return [f"{path}: expected {kind}, got {value!r}"]
    found: list[str] = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: expected one of {schema['enum']}, got {value!r}")
    if kind == "string" and schema.get("format") == "date-time":
        assert datetime.fromisoformat(value).tzinfo is not None
    if kind == "string" and schema.get("format") == "date":
        date.fromisoformat(value)
    if kind == "array":
        for n, each in enumerate(value):
            found += problems_with(each, schema["items"], schemas, f"{path}[{n}]", nulls=nulls)
    for name, inner in schema.get("properties", {}).items():
        if isinstance(value, dict) and name in value:
            found += problems_with(value[name], inner, schemas, f"{path}.{name}", nulls=nulls)
    return found
