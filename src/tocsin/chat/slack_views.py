"""The forms that Slack's buttons open. https://docs.slack.dev/surfaces/modals"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.core.paging_text import one_line

View = dict[str, Any]
OPTIONS_MAX = 100
INPUT_MAX = 3000


def escalate(incident: str, reference: str) -> View:
    return _view("escalate", incident, f"Escalate {reference}", "Escalate", [_text("because", "Why?")])


def resolve(incident: str, reference: str) -> View:
    return _view(
        "resolve", incident, f"Resolve {reference}", "Resolve", [_text("because", "What ended it?", optional=True)]
    )


def update(incident: str, reference: str, audiences: Sequence[str]) -> View:
    """`audiences`: whom an update may be for, the usual one first."""
    status = ("investigating", "identified", "mitigating", "monitoring", "resolved")
    blocks = [
        _choice("audience", "For whom?", audiences, first=True),
        _text("text", "What should they know?"),
        _choice("status", "How far is it?", status, optional=True),
    ]
    return _view("update", incident, f"Update {reference}", "Post", blocks)


def assign(incident: str, reference: str, roles: Sequence[str]) -> View:
    """`roles`: the guide's, the leading one first."""
    person = {"type": "users_select", "action_id": "person"}
    blocks = [_input("person", "Who?", person), _choice("role", "As what?", roles, first=True)]
    return _view("assign", incident, f"Assign {reference}", "Assign", blocks)


def values(view: View) -> dict[str, str]:
    """What was filled in, by block."""
    found: dict[str, str] = {}
    for block, elements in (view.get("state") or {}).get("values", {}).items():
        for element in elements.values():
            chosen = (element.get("selected_option") or {}).get("value")
            said = element.get("value") or element.get("selected_user") or chosen
            if said:
                found[block] = str(said)
    return found


def _view(name: str, incident: str, title: str, submit: str, blocks: list[View]) -> View:
    return {
        "type": "modal",
        "callback_id": f"tocsin.{name}",
        "private_metadata": incident,
        "title": _plain(title, 24),
        "submit": _plain(submit, 24),
        "close": _plain("Cancel", 24),
        "blocks": blocks,
    }


def _text(block: str, label: str, *, optional: bool = False) -> View:
    element = {"type": "plain_text_input", "action_id": block, "multiline": True, "max_length": INPUT_MAX}
    return _input(block, label, element, optional=optional)


def _choice(block: str, label: str, words: Sequence[str], *, first: bool = False, optional: bool = False) -> View:
    options = [{"text": _plain(word, 75), "value": word[:150]} for word in words[:OPTIONS_MAX]]
    element: View = {"type": "static_select", "action_id": block, "options": options}
    if first:
        element["initial_option"] = options[0]
    return _input(block, label, element, optional=optional)


def _input(block: str, label: str, element: View, *, optional: bool = False) -> View:
    return {"type": "input", "block_id": block, "label": _plain(label, 200), "element": element, "optional": optional}


def _plain(text: str, most: int) -> View:
    return {"type": "plain_text", "text": one_line(text, most)}
