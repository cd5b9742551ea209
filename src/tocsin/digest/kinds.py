"""Kinds of alerts: those that differ in no label that routes or inhibitions look at have one verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from tocsin.core.alert import Verdict

REMEMBERED_MAX = 5_000


class Kind(msgspec.Struct):
    """Whether inhibitions know its alerts, and the verdict on them."""

    source: bool
    target: bool
    verdict: Verdict | None = None


Labels = Mapping[str, str]
Make = Callable[[Labels], Kind]


class Kinds:
    """The kinds met lately. `deciding`: the labels that a verdict can depend on; `alertname` is among them.

    They are picked by the JSON decoder: a body that is looked at only for them costs a third of one that is decoded.
    """

    def __init__(self, deciding: Iterable[str], make: Make) -> None:
        """`make` is asked for a kind that is met for the first time, with the labels of the alert."""
        names = sorted(deciding)
        fields = [f"f{n}" for n in range(len(names))]  # a label's name need not be one of Python's
        self._name = fields[names.index("alertname")]
        self._traits = msgspec.defstruct(
            "Traits",
            [(field, str | None, None) for field in fields],
            frozen=True,
            gc=False,
            rename=dict(zip(fields, names, strict=True)),
        )
        said = msgspec.defstruct("Said", [("labels", self._traits)], gc=False)
        self._said: Callable[[bytes], Any] = msgspec.json.Decoder(said).decode
        self._make = make
        self._kinds: dict[object, Kind] = {}

    def of(self, labels: Labels) -> Kind | None:
        """The kind of an alert with these labels; None for one without a name, which is a problem of its own."""
        traits = msgspec.convert(labels, self._traits)
        return self._kinds.get(traits) or self._met(traits, lambda: labels)

    def of_body(self, body: bytes, labels: Callable[[], Labels]) -> Kind | None:
        """The same, of what the alert table stores of it; `labels` are asked for when there is need."""
        traits = self._said(body).labels
        return self._kinds.get(traits) or self._met(traits, labels)

    def _met(self, traits: object, labels: Callable[[], Labels]) -> Kind | None:
        if not getattr(traits, self._name):
            return None
        if len(self._kinds) >= REMEMBERED_MAX:
            self.forget()
        made = self._kinds[traits] = self._make(labels())
        return made

    def forget(self) -> None:
        """No verdict is remembered."""
        self._kinds.clear()
