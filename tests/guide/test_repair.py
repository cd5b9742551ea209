"""Damage is undone line by line, and what is right is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.guide.blocks import count_fences, parse
from tocsin.guide.compile import compile_guide
from tocsin.guide.repair import BYTES_MAX, Unreadable, decode, repair


def broken(text: str) -> str:
    """The text as it comes out of a program that read UTF-8 as Windows-1252."""
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
        for byte in text.encode("utf-8")
    )


@pytest.mark.parametrize(
    "text", ["🚨 INCIDENT", "├── Resolution → Close", "café déjà vu", "“quoted” – dash", "→ P1", "дежурный"]
)
def test_double_encoded_text_comes_back(text: str):
    assert repair(broken(text)).lines == (text,)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r\x00"), max_size=60))
def test_text_that_was_right_is_rarely_touched_and_never_loses_a_line(text: str):
    page = f"{text}\nsecond"

    assert len(repair(page).lines) == len(page.removeprefix("\ufeff").split("\n"))


@pytest.mark.parametrize(
    "text", ["Ärger über Größe", "naïve café", "5 × 3 → 15", "日本語のガイド", "Öl Ä É ñ", "“fine”"]
)
def test_correct_text_is_not_broken(text: str):
    assert repair(text).lines == (text,)


def test_each_repair_is_reported_with_its_line():
    notes = repair("\ufeff# Guide\r\n\r\n" + broken("→ P1") + "\r\n").notes

    assert [(note.rule, note.line) for note in notes] == [("SRC-BOM", 1), ("SRC-CRLF", 1), ("SRC-02", 3)]


def test_front_matter_is_metadata_and_keeps_the_line_numbers():
    repaired = repair("---\ntitle: Guide\nowner: ops\nbomb: &a [*a]\n---\n# Heading\n")

    assert repaired.front == {"title": "Guide", "owner": "ops"}
    assert repaired.lines[5] == "# Heading"


def test_program_text_of_mdx_erb_and_liquid_is_left_out_and_reported():
    page = "import Tabs from '@theme/Tabs';\n\n# Guide\n\nUse <%= link %> now {% include x %}.\n"

    repaired = repair(page)

    assert repaired.lines[0] == ""
    assert repaired.lines[4] == "Use  now ."
    assert [note.rule for note in repaired.notes] == ["SRC-MDX", "SRC-MDX"]


NESTED = """# Guide

```markdown
## Report
```bash
kubectl get pods
```
End of the report
```

## Severity

| Severity | Response time |
|---|---|
| P1 | 15 minutes |
| P2 | 1 hour |
"""


def test_a_nested_fence_no_longer_swallows_the_sections_behind_it():
    compiled = compile_guide(NESTED + "\n```bash\nls -l\n```\n", "g.md")

    assert [severity.id for severity in compiled.policy.severities] == ["P1", "P2"]
    assert any(finding.rule == "SRC-FENCE" for finding in compiled.findings)


def test_ordinary_fences_are_not_lengthened():
    page = "```bash\nls\n```\n\ntext\n\n```\nplain\n```\n"

    assert repair(page).text == page


def test_indented_and_tilde_fences_are_counted():
    page = "1. a\n   ```bash\n   ls\n   ```\n\n~~~\nx\n~~~\n"

    assert count_fences(page) == 2
    assert len(parse(repair(page)).fences) == 2


def test_binary_and_oversized_files_are_refused_in_words():
    with pytest.raises(Unreadable, match="binary"):
        decode(b"\x89PNG\r\n\x1a\n\x00\x00")
    with pytest.raises(Unreadable, match="at most"):
        decode(b"a" * (BYTES_MAX + 1))


def test_another_encoding_is_still_read():
    assert decode("Größe".encode("cp1252")) == "Größe"
    assert decode("Größe".encode("utf-16")) == "\ufeffGröße" or decode("Größe".encode("utf-16")) == "Größe"
