"""Where prose can be put into a guide: at every boundary of blocks, between and inside list items too."""

from __future__ import annotations

import re

import msgspec
from markdown_it import MarkdownIt

from tocsin.core.policy import Policy

_BLOCKS = frozenset(
    {"paragraph_open", "heading_open", "bullet_list_open", "ordered_list_open", "table_open", "fence", "html_block", "hr"}
)  # fmt: skip
# What a guide says in its own words is prose itself, and grows by prose: nothing acts on it.
_TEXTS = frozenset({"source", "description", "body", "definition"})


def boundaries(text: str) -> list[tuple[int, int]]:
    """(line before which prose may stand, its indentation), front matter left alone."""
    lines = text.split("\n")
    head = next((n + 1 for n, line in enumerate(lines[1:], 1) if line == "---"), 0) if lines[0] == "---" else 0
    found, items = set(), []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "list_item_close":
            items.pop()
        elif token.map and token.nesting >= 0 and (token.type in _BLOCKS or token.type == "list_item_open"):
            marker = re.match(r"\s*(?:[-*+]|\d+[.)])\s+", lines[items[-1]]) if items else None
            indent = len(marker[0]) if marker else 0
            found |= {(line, indent) for line in token.map if line >= head}
        if token.type == "list_item_open":
            items.append(token.map[0] if token.map else 0)
    return sorted(found)


def inserted(text: str, prose: str, at: tuple[int, int]) -> str:
    """The text with a paragraph of its own before the line, indented into the item it stands in."""
    lines = text.split("\n")
    line, indent = at
    return "\n".join([*lines[:line], "", " " * indent + prose, "", *lines[line:]])


def facts(policy: Policy) -> object:
    """The policy without lines, texts in the guide's own words, and findings."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {name: strip(each) for name, each in value.items() if name not in _TEXTS}
        return [strip(each) for each in value] if isinstance(value, list | tuple) else value

    return strip(msgspec.to_builtins(msgspec.structs.replace(policy, findings=())))
