"""What a promise's rule is called where its guide is not at hand: facts name rules, people read sentences."""

from __future__ import annotations

import re

_ABOUT = {
    "respond": "respond to {}",
    "update": "update {}",
    "external": "bring in {}",
    "tell": "tell {}",
    "notify": "tell those whom the guide names for {}",
    "role": "assign {}",
    "remind-role": "assign {}",
    "follow-up": "follow up for {}",
    "action": "do action item {}",
    "effect": "say whether action item {} helped",
    "law": "notify under {}",
}
_WHOLE = {"review:schedule": "schedule the review", "review:hold": "hold the review"}
_NUMBERED = re.compile(r"(update|external|tell|notify|follow-up):(.*):[0-9]+", re.DOTALL)


def rule_words(rule: str) -> str:
    """`notify:SEV-0:0` -> tell those whom the guide names for SEV-0; a name of another form as it is."""
    numbered = _NUMBERED.fullmatch(rule)
    kind, about = numbered.groups() if numbered else rule.partition(":")[::2]
    if not kind or not about or rule in _WHOLE:
        return _WHOLE.get(rule, rule)
    return _ABOUT[kind].format(about) if kind in _ABOUT else f"{kind} {about}"  # else a clock of the guide's own


def promise_words(key: str) -> str:
    """The same of a promise, `RULE@VERSION`, or one of its times, `RULE@VERSION#N`."""
    return rule_words(re.sub(r"@[0-9]+(#[0-9]+)?\Z", "", key))
