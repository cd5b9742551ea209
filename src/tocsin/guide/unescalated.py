"""Severities that the guide says are not escalated: "SEV-3: no escalation", "P4 incidents are never escalated"."""

from __future__ import annotations

import re

from tocsin.guide.cadences import Sentence
from tocsin.guide.ids import mentioned, only_names
from tocsin.guide.inline import plain, split_label
from tocsin.guide.severities import Scheme

TEXT_MAX = 160  # a plain statement is short; a longer sentence has conditions

_SAID = re.compile(
    r"\bno\s+(?:(?:automatic|automated|time-based|further|formal)\s+)?escalations?\b"
    r"|\b(?:is|are)\s+(?:not|never)\s+(?:automatically\s+)?escalated\b"
    r"|\b(?:do(?:es)?\s+not|don't|never)\s+(?:automatically\s+)?escalate\b"
    r"|\bescalation\s+(?:is\s+)?(?:not\s+(?:required|needed)|none)\b",
    re.I,
)
_NONE = re.compile(r"(?:none|no|n/?a|never|not (?:required|needed|applicable))\.?", re.I)
_CONDITION = re.compile(
    r"\b(?:if|when|unless|until|without|before|after|except|unresolved|only|outside|during)\b|\d+\s*(?:min|h|day)", re.I
)


def not_escalated(sentence: Sentence, scheme: Scheme) -> tuple[str, ...]:
    """The severities of which this says that they are not escalated, whatever happens."""
    text = plain(sentence.text)
    if len(text) > TEXT_MAX or _CONDITION.search(text):
        return ()
    label = split_label(sentence.text)
    if label and only_names(label.label, scheme.known) and _NONE.fullmatch(plain(label.value).strip()):
        return mentioned(label.label, scheme.known) if re.search(r"escalat", sentence.section.title, re.I) else ()
    return mentioned(text, scheme.known) if _SAID.search(text) else ()
