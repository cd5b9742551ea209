"""Matchers: both dialects, anchored RE2 regexes, and an index that never forgets an entry."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, strategies as st

from tests.shared_files import SHARED
from tocsin.core.matchers import (
    MATCHERS_MAX,
    PATTERN_MAX,
    MatcherError,
    compile_matchers,
    compile_texts,
    first_matching,
    index,
    matches,
    matching,
    parse_matcher,
    parse_matchers,
    show,
)
from tocsin.core.policy import Matcher


def equals(name: str, value: str) -> Matcher:
    return Matcher(name=name, value=value)


def differs(name: str, value: str) -> Matcher:
    return Matcher(name=name, value=value, is_equal=False)


def regex(name: str, value: str) -> Matcher:
    return Matcher(name=name, value=value, is_regex=True)


def not_regex(name: str, value: str) -> Matcher:
    return Matcher(name=name, value=value, is_regex=True, is_equal=False)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('foo="bar"', [equals("foo", "bar")]),
        ("foo=bar", [equals("foo", "bar")]),
        ('foo!="bar"', [differs("foo", "bar")]),
        ('foo=~"a.*"', [regex("foo", "a.*")]),
        ("foo!~a.*", [not_regex("foo", "a.*")]),
        ("", []),
        ("{}", []),
        ('{foo="bar",}', [equals("foo", "bar")]),
        ('foo="bar",', [equals("foo", "bar")]),
        (' { foo = "bar" , baz =~ "b+" } ', [equals("foo", "bar"), regex("baz", "b+")]),
        ('foo="a,b"', [equals("foo", "a,b")]),
        ('foo="a}b"', [equals("foo", "a}b")]),
        ('foo="say \\"hi\\""', [equals("foo", 'say "hi"')]),
        ('foo="a\\nb"', [equals("foo", "a\nb")]),
        ('foo="a\\\\b"', [equals("foo", "a\\b")]),
        ('foo=""', [equals("foo", "")]),
        ("foo=", [equals("foo", "")]),
        ("foo=a b", [equals("foo", "a b")]),
        ('foo="\\d"', [equals("foo", "\\d")]),
        ('"foo bar"!="x"', [differs("foo bar", "x")]),
        ('"größe"="ü"', [equals("größe", "ü")]),
        ("größe=ü", [equals("größe", "ü")]),
        ('🙂="x"', [equals("🙂", "x")]),
        ('"a\\tb"="x"', [equals("a\tb", "x")]),
        ('"tab\\x09\\u00e9"="x"', [equals("tab\té", "x")]),
        ('foo:bar="x"', [equals("foo:bar", "x")]),
        ("foo=:bar", [equals("foo", ":bar")]),
    ],
)
def test_both_dialects_are_read(text: str, meant: list[Matcher]) -> None:
    assert list(parse_matchers(text)) == meant


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("team", 4),
        ("=x", 0),
        ('"team"', 6),
        ('team="db', 5),
        ('{team="db"} x', 12),
        ('a="b" c="d"', 6),
        ('team="d"b"', 8),
        ('a="b",,c="d"', 6),
        ('""="x"', 2),
        ('"é\\q"="x"', 2),
        ('"x\\ud800"="x"', 2),
    ],
)
def test_what_is_no_matcher_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(MatcherError) as refused:
        parse_matchers(text)

    assert refused.value.position == position
    assert f"(at character {position + 1})" in str(refused.value)


@pytest.mark.parametrize("pattern", ["(", "a**", "[z-a]", "(?=x)", "(a)\\1", "a{1001}", "((a{100}){100}){100}", "\\"])
def test_a_pattern_that_re2_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(MatcherError, match="expected a regex in RE2's syntax"):
        parse_matchers(show(regex("foo", pattern)))


def test_a_pattern_that_is_too_long_is_refused() -> None:
    with pytest.raises(MatcherError, match=f"at most {PATTERN_MAX} characters"):
        compile_matchers([regex("foo", "a" * (PATTERN_MAX + 1))])


def test_more_matchers_than_anybody_writes_are_refused() -> None:
    with pytest.raises(MatcherError, match=f"at most {MATCHERS_MAX}"):
        parse_matchers(",".join(f'a{n}="b"' for n in range(MATCHERS_MAX + 1)))


def test_strict_reading_refuses_what_nobody_means() -> None:
    assert parse_matchers("team==db") == (equals("team", "=db"),)  # as Alertmanager does

    with pytest.raises(MatcherError, match="expected a value, got '=db'"):
        parse_matchers("team==db", strict=True)


def test_one_matcher_is_one_matcher() -> None:
    assert parse_matcher('a="b"') == equals("a", "b")
    for text in ("", 'a="b",c="d"'):
        with pytest.raises(MatcherError, match="expected one matcher"):
            parse_matcher(text)


NAMES = st.one_of(
    st.sampled_from(["alertname", "job", "größe", "a b", 'quo"te', "back\\slash", "x:y"]), st.text(min_size=1)
)
VALUES = st.text(max_size=20)


@given(st.lists(st.tuples(NAMES, st.text(), st.booleans()), max_size=5))
def test_what_is_shown_reads_back_as_the_same(triples: list[tuple[str, str, bool]]) -> None:
    written = tuple(Matcher(name=name, value=value, is_equal=equal) for name, value, equal in triples)

    assert parse_matchers("{" + ",".join(show(each) for each in written) + "}") == written


@given(st.text(alphabet='ab{}!=~,\\"\n\t é'))
def test_any_text_is_read_or_refused_in_its_bounds(text: str) -> None:
    try:
        found = parse_matchers(text)
    except MatcherError as refused:
        assert 0 <= refused.position <= len(text)
    else:
        assert parse_matchers(",".join(show(each) for each in found)) == found


# --- matching ---------------------------------------------------------------------------------------------------------

SIMPLE_PATTERNS = st.sampled_from(
    ["", "a", "b|a", "a|b|ab", "a.*", ".*", ".+", "[ab]+", "(a|b)*c?", "a{1,2}", "é|ü", "a b|c", "(?i)A", "a-b|a/b"]
)
LABELS = st.dictionaries(st.sampled_from("xyz"), st.text(alphabet="abcéü \n", max_size=4), max_size=3)
MATCHERS = st.lists(
    st.one_of(
        st.builds(
            Matcher, name=st.sampled_from("xyz"), value=st.text(alphabet="abé", max_size=2), is_equal=st.booleans()
        ),
        st.builds(
            Matcher,
            name=st.sampled_from("xyz"),
            value=SIMPLE_PATTERNS,
            is_regex=st.just(True),
            is_equal=st.booleans(),
        ),
    ),
    max_size=4,
)


def naive(matchers: list[Matcher], labels: dict[str, str]) -> bool:
    """What the words say, with Python's own regexes."""
    for each in matchers:
        value = labels.get(each.name, "")
        hit = re.fullmatch(each.value, value) is not None if each.is_regex else value == each.value
        if hit != each.is_equal:
            return False
    return True


@given(MATCHERS, LABELS)
def test_matching_is_what_the_words_say(matchers: list[Matcher], labels: dict[str, str]) -> None:
    assert matches(compile_matchers(matchers), labels) == naive(matchers, labels)


@given(st.lists(MATCHERS, max_size=8), LABELS)
def test_the_index_finds_exactly_what_asking_each_one_finds(many: list[list[Matcher]], labels: dict[str, str]) -> None:
    filed = index([compile_matchers(each) for each in many])
    expected = [number for number, each in enumerate(many) if naive(each, labels)]

    assert matching(filed, labels) == expected
    assert first_matching(filed, labels) == (expected[0] if expected else None)


def test_a_missing_label_is_an_empty_one() -> None:
    assert matches(compile_texts(['foo=""']), {})
    assert matches(compile_texts(['foo!="x"']), {})
    assert matches(compile_texts(['foo=~".*"']), {})
    assert not matches(compile_texts(['foo=~".+"']), {})


def test_a_regex_is_anchored_at_both_ends() -> None:
    anchored = compile_texts(['foo=~"ab.|c"'])

    assert matches(anchored, {"foo": "abx"})
    assert not matches(anchored, {"foo": "xabx"})
    assert not matches(anchored, {"foo": "cc"})
    assert not matches(compile_texts(['foo=~"a$"']), {"foo": "a\n"})  # Python's $ would allow it


def test_lone_surrogates_in_a_label_match_nothing_and_raise_nothing() -> None:
    assert not matches(compile_texts(['foo=~"a.*"']), {"foo": "\ud800"})


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)+b", "(a*)*b", "(.*a){12}b", "(a?){40}a{40}b", "(x+x+)+y", "([a-z]+)*1"]
)
def test_evil_patterns_take_no_time(pattern: str) -> None:
    compiled = compile_matchers([regex("foo", pattern)])
    start = time.perf_counter()

    assert not matches(compiled, {"foo": "a" * 5_000 + "!"})

    assert time.perf_counter() - start < 0.1


@pytest.mark.needs("shared")
def test_the_filter_that_amtool_sends_is_read(amproxy: list[dict[str, Any]]) -> None:
    sent = [parse_qs(urlsplit(record["path"]).query).get("filter", []) for record in amproxy]
    filters = [text for texts in sent for text in texts]

    assert "service=checkout" in filters
    assert all(parse_matchers(text) for text in filters)


@pytest.fixture
def amproxy() -> list[dict[str, Any]]:
    lines = (SHARED / "fixtures/wire/amproxy.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


CLASSIC = [
    'a="b"', "a=b", 'a=~"b+"', "a!=c", "a!~c.*", 'a="b",c="d"', '{a="b"}', "a==b", "a=~=b", "a=b c", 'a="b', "a=b\"",
    'a="\\d"', "a=b\\", 'a="b" c="d"', "a", "=b", "a=b,", "a =b", 'a= "b"', 'a="b\\"', 'a="\\"b"', "a=~(", "{a=b",
]  # fmt: skip


@pytest.mark.needs("amtool")
@pytest.mark.slow
@pytest.mark.parametrize("text", CLASSIC)
def test_a_text_is_a_matcher_exactly_when_genuine_alertmanager_says_so(text: str, tmp_path: Any) -> None:
    path = tmp_path / "alertmanager.yml"
    route = {"receiver": "none", "routes": [{"receiver": "hit", "matchers": [text]}]}
    path.write_text(json.dumps({"route": route, "receivers": [{"name": "none"}, {"name": "hit"}]}), "utf-8")
    command = ["amtool", "config", "routes", "test", f"--config.file={path}", "a=b", "c=d"]
    genuine = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        ours = matches(compile_texts([text]), {"a": "b", "c": "d"})
    except MatcherError:
        assert genuine.returncode != 0, genuine.stdout
    else:
        assert genuine.stdout.strip() == ("hit" if ours else "none"), genuine.stderr
