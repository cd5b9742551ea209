"""One line of Markdown as plain words, and the small forms people write in it: labels, code spans, links."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

# Every pass of the compiler reads the same lines; the cache holds one guide of ordinary size and a few MB at most.
CACHED_LINES = 16_384
CACHED_CHARS = 300

_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|span|sup|sub|a|p|ul|ol|li|div|kbd|small|font|details|summary|code|mark|center)(?:\s[^<>]{0,300})?/?>",
    re.I,
)
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.I)
_CODE = re.compile(r"(`{1,3})(?!`)(.{1,2000}?)(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\](?:\([^()\s\n]{0,500}(?:\s+\"[^\"\n]{0,200}\")?\)|\[[^\[\]\n]{0,100}\])")
_TARGET = re.compile(r"(?<!!)\[([^\[\]\n]{0,500})\]\(([^()\s\n]{1,500})")
_AUTO = re.compile(r"<((?:https?|mailto):[^<>\s]{1,500})>")
_STARS = re.compile(r"(?<!\\)(?<!\s)\*{1,3}|(?<!\\)\*{1,3}(?!\s)")
_UNDERSCORES = re.compile(r"(?<![\w\\])_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ANCHOR = re.compile(r"\s*\{#[\w-]{1,80}\}\s*$")
_SIGNS = re.compile(r"[\U0001F000-\U0001FAFF☀-➿⬀-⯿←-⇿■-◿️‍⃣™]+")
_MATH = re.compile(r"(?<![\w$\\])\$(?=[^\s$])([^$\n]{1,200})(?<=[^\s$\\])\$(?![\w$])")
_IS_MATH = re.compile(r"\\[a-zA-Z,;]|^\s*[<>≤≥~=]")
_MATH_TEXT = re.compile(r"\\(?:text|mathrm|textbf|textit|mathbf|mbox)\s*\{([^{}]*)\}")
_MATH_SIGNS = {
    "le": "≤", "leq": "≤", "leqslant": "≤", "lt": "<", "ge": "≥", "geq": "≥", "geqslant": "≥", "gt": ">",
    "sim": "~", "approx": "~", "times": "×", "to": "→", "rightarrow": "→", "pm": "±", "quad": " ", "space": " ",
}  # fmt: skip
_MATH_SIGN = re.compile(r"\\(?:([a-zA-Z]+)\s?|[,;:! ])")
_BOLD = re.compile(r"^\s*(?:\*\*|__)(?=\S)(.{1,200}?)(?:\*\*|__)(.*)$", re.S)
_CODED = re.compile(r"^\s*`([^`\n]{1,60})`\s*(?:[:–—-]|$)\s*(.*)$", re.S)
_PLAIN = re.compile(r"^\s*([^\W_][^:*`|\n]{0,70}?)\s*:(?!//)(?:\s+|$)(.*)$", re.S)
_WIDE = re.compile(
    r"^(\s*[*_`]{0,3}[^\s：:]{1,16}?[*_`]{0,3})：\s*"
)  # a label of one word, as Chinese and Japanese write it
_DASHED = re.compile(r"^\s*([^\W_][^:*`|\n–—]{0,60}?)\s+(?:[–—]|-{1,2})\s+(.*)$", re.S)


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """`label: value` as a person wrote it; `strong` when the label was set in bold or code."""

    label: str
    value: str  # raw Markdown
    strong: bool


def plain(text: str) -> str:
    """The words of a Markdown line: no marks, links by their text, code by its content, entities decoded."""
    return _short_plain(text) if len(text) <= CACHED_CHARS else _plain(text)


def _without_math(match: re.Match[str]) -> str:
    """`$< 15\\text{ min}$` as words; two amounts of dollars are no formula."""
    if not _IS_MATH.search(match[1]):
        return match[0]
    words = _MATH_TEXT.sub(r"\1", match[1])
    return _MATH_SIGN.sub(lambda sign: _MATH_SIGNS.get(sign[1], sign[0]) if sign[1] else " ", words)


@lru_cache(maxsize=CACHED_LINES)
def _short_plain(text: str) -> str:
    return _plain(text)


def _plain(text: str) -> str:
    if "<" in text:
        text = _AUTO.sub(r"\1", _TAG.sub("", _BREAK.sub("; ", text)))
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[2])
        return f"\x02{len(held) - 1}\x03"

    if "`" in text:
        text = _CODE.sub(hold, text)
    if text.count("$") > 1:
        text = _MATH.sub(_without_math, text)
    if "[" in text:
        text = _LINK.sub(r"\1", text)
    if "*" in text:
        text = _STARS.sub("", text)
    if "_" in text:
        text = _UNDERSCORES.sub("", text)
    text = _ESCAPE.sub(r"\1", text)
    if "&" in text:
        text = html.unescape(text)
    for n, code in enumerate(held):
        text = text.replace(f"\x02{n}\x03", code, 1) if len(held) <= 50 else text
    if len(held) > 50:  # keep the work linear on a line made of code spans
        text = re.sub(r"\x02(\d+)\x03", lambda match: held[int(match[1])] if int(match[1]) < len(held) else "", text)
    return re.sub(r"[ \t\r\f\v]+", " ", text).strip()


def title(text: str) -> str:
    """A heading or label in plain words, without decoration, anchor or closing colon."""
    return _SIGNS.sub("", _ANCHOR.sub("", plain(text))).replace("  ", " ").strip().rstrip(":").strip()


def unsigned(text: str) -> str:
    """The text without emoji and arrows at either end."""
    return _SIGNS.sub("", text).strip()


def split_label(raw: str) -> Label | None:
    """`**Label:** value`, `**Label** - value`, `` `Label`: value `` or `Label: value`; None for anything else."""
    return _short_label(raw) if len(raw) <= CACHED_CHARS else _split_label(raw)


@lru_cache(maxsize=CACHED_LINES)
def _short_label(raw: str) -> Label | None:
    return _split_label(raw)


def _split_label(raw: str) -> Label | None:
    bold = _BOLD.match(raw)
    if bold:
        inner, rest = bold[1], bold[2]
        stripped = rest.lstrip()
        if inner.rstrip().endswith(":"):
            return Label(label=title(inner), value=stripped.lstrip(":").strip(), strong=True)
        mark = re.match(r"(?:\([^()\n]{0,80}\)\s*)?(?::|[–—]|-{1,2}(?=\s)|=)\s*", stripped)
        if mark:
            aside = re.match(r"\([^()\n]{0,80}\)", stripped)
            label = title(inner) + (f" {aside[0]}" if aside else "")
            return Label(label=label, value=stripped[mark.end() :].strip(), strong=True)
        if not stripped or re.fullmatch(r"\([^()]{0,120}\)", stripped):
            return Label(label=f"{title(inner)} {stripped}".strip(), value="", strong=True)
        return Label(label=title(inner), value=stripped, strong=True)
    coded = _CODED.match(raw)
    if coded:
        return Label(label=title(coded[1]), value=coded[2].strip(), strong=True)
    simple = _PLAIN.match(raw)
    if simple and len(simple[1].split()) <= 8:
        return Label(label=title(simple[1]), value=simple[2].strip(), strong=False)
    return None


def split_wide(raw: str) -> Label | None:
    """`split_label`, with the colon of Chinese and Japanese too: `响应时间：15 分钟`."""
    return split_label(_WIDE.sub(r"\1: ", raw) if "：" in raw else raw)


def split_dash(raw: str) -> Label | None:
    """`Label - value` without any mark; only for places where the label is known to be one (an id, a name)."""
    dashed = _DASHED.match(raw)
    return Label(label=title(dashed[1]), value=dashed[2].strip(), strong=False) if dashed else None


def is_bold_line(raw: str) -> bool:
    """Whether the whole line is one bold label, such as people write in place of a heading."""
    found = _BOLD.match(raw.strip())
    if not found or "\n" in raw.strip():
        return False
    rest = found[2].strip()
    return rest in ("", ":") or bool(re.fullmatch(r"\([^()]{0,120}\)\s*:?", rest))


def codes(raw: str) -> list[str]:
    """The contents of the code spans of a line."""
    return [match[2].strip() for match in _CODE.finditer(raw)]


def targets(raw: str) -> Iterator[tuple[str, str]]:
    """(text, target) of every inline link."""
    for match in _TARGET.finditer(raw):
        yield match[1], match[2]
