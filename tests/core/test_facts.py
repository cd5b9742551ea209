"""Facts: what was ever written can be read for ever, byte for byte. Lines of data/facts.json are added, never changed.

When a class or a field is new, add a line that carries it (any sensible values; `encode` gives the bytes). When this
test fails for an old line, the change would lose somebody's history: undo it, or decode both forms.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from tocsin.core import facts as f
from tocsin.core.facts import FACT_BYTES_MAX, AnyFact, decode, encode
from tocsin.core.incident import evolve

GOLDEN = Path(__file__).parent / "data" / "facts.json"
LINES = [line.removesuffix(",") for line in GOLDEN.read_text("utf-8").splitlines()[1:-1]]
CLASSES: tuple[Any, ...] = get_args(AnyFact)
T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

FORMER: dict[str, str] = {}
"""Lines that are read but no longer written like this: the old line -> the line it is written as today."""


def of_class(name: str) -> list[dict[str, Any]]:
    return [fields for fields in map(json.loads, LINES) if fields["fact"] == name]


def test_the_golden_file_is_json() -> None:
    assert json.loads(GOLDEN.read_text("utf-8")) == [json.loads(line) for line in LINES]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[9:60].split('"')[0])
def test_every_form_ever_released_is_read_and_written_back(line: str) -> None:
    assert encode(decode(line.encode())).decode() == FORMER.get(line, line)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_and_every_field_has_a_golden_line(kind: Any) -> None:
    lines = of_class(kind.__name__)
    pinned = {name for fields in lines for name in fields} - {"fact"}

    assert pinned == set(kind.__struct_fields__)
    assert kind.__struct_config__.tag == kind.__name__


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_may_be_left_out_is_left_out_and_comes_back(kind: Any) -> None:
    least = min(of_class(kind.__name__), key=len)
    optional = {field.name for field in msgspec.structs.fields(kind) if not field.required}

    assert not optional & set(least)
    assert decode(json.dumps(least).encode()) == decode(json.dumps({**least, "by": "tocsin"}).encode())


def test_no_line_belongs_to_a_class_that_was_dropped() -> None:
    assert {json.loads(line)["fact"] for line in LINES} == {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[9:60].split('"')[0])
def test_every_form_ever_released_can_still_be_folded(line: str) -> None:
    first = decode(LINES[0].encode())
    fact = decode(line.encode())

    incident = evolve(None if isinstance(fact, f.Opened) else evolve(None, first), fact)

    assert incident.version == (1 if isinstance(fact, f.Opened) else 2)


def test_no_field_of_a_fact_is_a_float() -> None:
    for kind in CLASSES:
        assert "float" not in str(msgspec.inspect.type_info(kind)).lower(), kind


def test_a_fact_that_is_too_long_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=f"text: expected at most {FACT_BYTES_MAX} bytes in all of NoteAdded, got"):
        encode(f.NoteAdded(at=T0, text="x" * FACT_BYTES_MAX))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"fact":"Exploded","at":"2026-11-23T03:00:00Z"}', b'{"fact":"Closed"}'])
def test_what_is_no_fact_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body)


def test_a_field_that_a_later_release_added_is_passed_over() -> None:
    assert decode(b'{"fact":"Closed","at":"2026-11-23T03:00:00Z","mood":"good"}') == f.Closed(at=T0)
