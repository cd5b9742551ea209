"""The failure modes that are looked for in code: what each says, why it matters, how to mend it."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["error", "warning", "note"]


class CodeRule(msgspec.Struct, frozen=True):
    """`level` is the usual level."""

    id: str
    level: Level
    title: str
    why: str
    mend: str


WAIT, SWALLOW, RETRY, TASK, BLOCK, HANDLER, UNREAD = (
    "CODE-WAIT",
    "CODE-SWALLOW",
    "CODE-RETRY",
    "CODE-TASK",
    "CODE-BLOCK",
    "CODE-HANDLER",
    "CODE-UNREAD",
)

CODE_RULES: tuple[CodeRule, ...] = (
    CodeRule(
        WAIT,
        "warning",
        "A wait without a limit",
        "Who accepts and never answers holds the thread or the connection for ever; soon there is none left.",
        "Give it a time, shorter than the caller's.",
    ),
    CodeRule(
        SWALLOW,
        "warning",
        "An error that vanishes",
        "Nobody hears of it: no log, no count, no caller; the system is wrong and looks well.",
        "Catch what you can answer; log or count the rest, or let it go on.",
    ),
    CodeRule(
        RETRY,
        "warning",
        "A retry without a pause or an end",
        "While a dependency is down, every caller asks it again at once and for ever, and keeps it down.",
        "Wait longer each time, with some chance in it, and give up after a number of tries.",
    ),
    CodeRule(
        TASK,
        "warning",
        "A task that nobody holds",
        "It may be collected before it is done, its error is seen by nobody, or it never runs at all.",
        "Keep it and await it, or use a task group.",
    ),
    CodeRule(
        BLOCK,
        "warning",
        "A wait that stops everything else",
        "While it waits, the event loop answers nobody, health checks included.",
        "Use what can be awaited, or asyncio.to_thread.",
    ),
    CodeRule(
        HANDLER,
        "note",
        "A dependency's failure is the caller's",
        "When it does not answer, this request fails as a whole, without a word about which part did.",
        "Catch its errors here: answer without it, or say which dependency failed.",
    ),
    CodeRule(
        UNREAD,
        "note",
        "A file that was not looked at",
        "What is wrong in it is not known.",
        "See the message.",
    ),
)
BY_ID: dict[str, CodeRule] = {rule.id: rule for rule in CODE_RULES}
