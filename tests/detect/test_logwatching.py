"""What in a log is worth an alert: too many lines, too large a share of errors, errors that are new or grow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tocsin.core.logwatch import KNOWN, ErrorShare, LogRule, LogWatch, compiled, rule_said, share_said
from tocsin.detect.follow import Piece
from tocsin.detect.handing import Finding
from tocsin.detect.lines import read_line
from tocsin.detect.logwatching import NEW_MAX, LogWatching
from tocsin.detect.tally import LAST_MAX, SHAPES_MAX, Tally, Window
from tocsin.redaction import Redactor

T0 = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
QUIET = LogWatch(name="shop", files=("/var/log/shop.log",), new_errors=0, growth=0, learn_seconds=0)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Life:
    """A log that is watched; `at` reads lines at a minute and says what is wrong then."""

    def __init__(self, watch: LogWatch, history: Sequence[str] = ()) -> None:
        self.watch = watch
        self.watching = LogWatching(watch, Tally(began_at=T0), Redactor(["hunter2-hunter2"]))
        self.watching.learn([read_line(each) for each in history], T0)

    def at(self, minute: float, *lines: str, times: int = 1) -> list[Finding]:
        now = T0 + minutes(minute)
        self.watching.take([Piece("/var/log/shop.log", [read_line(each) for each in lines * times])], now)
        return self.watching.judged(now)

    def restart(self) -> None:
        tally = msgspec.json.decode(msgspec.json.encode(self.watching.tally), type=Tally)
        self.watching = LogWatching(self.watch, tally, Redactor())


def rule(text: str) -> LogWatch:
    return msgspec.structs.replace(QUIET, rules=(rule_said(text),), service="checkout")


def names(findings: Sequence[Finding]) -> list[str]:
    return [each.labels["alertname"] for each in findings]


def test_too_many_lines_are_an_alert_with_the_lines_in_it():
    life = Life(rule("critical: 3 in 5m"))
    assert life.at(0, "ERROR one", "all is well") == []

    (found,) = life.at(1, "ERROR two", "CRITICAL three, password=hunter2-hunter2")

    assert found.labels == {
        "alertname": "LogPattern",
        "log": "shop",
        "rule": "critical",
        "service": "checkout",
        "severity": "error",
    }
    assert found.annotations == {
        "summary": "shop: 3 lines match critical in 5 min: ERROR one",
        "description": "3 in the last 5 min, 3 or more are too many. Looked for: ERROR|CRITICAL\n"
        "/var/log/shop.log:\nERROR one\nERROR two\nCRITICAL three, password=[redacted]",
        "file": "/var/log/shop.log",
        "first_lines": "ERROR one\nERROR two\nCRITICAL three, password=[redacted]",
    }
    assert found.since == T0 + minutes(1)


def test_it_stands_until_there_were_fewer_for_the_whole_time():
    life = Life(rule("critical: 3 in 5m"))
    (first,) = life.at(0, "ERROR", times=3)

    assert life.at(4, "ERROR") == life.at(4.5)
    (again,) = life.at(5.5, "ERROR")
    assert (again.since, again.annotations["summary"]) == (first.since, first.annotations["summary"])
    assert "2 in the last 5 min" in again.annotations["description"]
    assert names(life.at(9)) == ["LogPattern"]
    assert life.at(10.7) == []


def test_what_was_counted_before_a_restart_counts():
    life = Life(rule("critical: 3 in 5m"))
    life.at(0, "ERROR one", "ERROR two")
    life.restart()

    (found,) = life.at(1, "ERROR three")
    life.restart()

    assert found.annotations["first_lines"] == "ERROR one\nERROR two\nERROR three"
    assert life.at(2)[0].since == found.since


def test_the_first_and_the_last_lines_are_kept_with_their_stack_traces():
    life = Life(rule("error: 1 in 5m"))
    trace = ["error: cannot pay", "Traceback (most recent call last):", '  File "shop.py", line 3, in pay']

    (found,) = life.at(0, *trace, *(f"error: number {n}" for n in range(100)))

    assert found.annotations["first_lines"].splitlines() == [*trace, "error: number 0", "error: number 1"]
    assert found.annotations["last_lines"].splitlines() == [f"error: number {n}" for n in range(95, 100)]
    assert len(found.annotations["last_lines"].splitlines()) == LAST_MAX


def test_refused_passwords_are_an_alert_of_their_own():
    life = Life(rule("auth"))
    lines = [f"sshd[{n}]: Failed password for invalid user u{n} from 10.0.0.7 port {n} ssh2" for n in range(10)]

    assert life.at(0, *lines[:9]) == []
    (found,) = life.at(1, lines[9])

    assert (found.labels["alertname"], found.labels["rule"]) == ("LogAuthFailures", "auth")
    said = "sshd[<*>]: Failed password for invalid user <*> from <*> port <*>"
    assert found.annotations["summary"] == f"shop: 10 authentication failures in 5 min: {said}"


def test_the_share_of_errors_needs_enough_lines():
    watch = msgspec.structs.replace(QUIET, error_share=share_said("5% in 5m"))
    life = Life(watch)
    assert life.at(0, "ERROR no answer", times=19) == []

    life = Life(watch)
    assert life.at(0, "INFO paid", times=96) == []
    (found,) = life.at(1, "ERROR no answer", times=6)

    assert found.annotations["summary"] == "shop: 5.9 % of the lines are errors: ERROR no answer"
    said = "6 of 102 lines in the last 5 min (5.9 %); 5 % are too many.\n/var/log/shop.log:\nERROR no answer\n"
    assert found.annotations["description"].startswith(said)
    assert life.at(7, "INFO paid", times=20) == []


NEW = msgspec.structs.replace(QUIET, new_errors=3)


def test_an_error_that_was_never_seen_is_told_when_it_was_seen_often_enough():
    life = Life(NEW, history=["ERROR payment 17 failed"])

    assert life.at(0, "ERROR payment 18 failed", times=50) == []
    assert life.at(1, "ERROR no route to 10.0.0.3", "ERROR no route to 10.0.0.4") == []
    (found,) = life.at(2, "ERROR no route to 10.0.0.5")

    assert found.labels["alertname"] == "LogNewError"
    assert found.labels["severity"] == "warning"
    assert found.annotations["summary"] == "shop: a new error: ERROR no route to <*>"
    assert found.annotations["first_lines"].endswith("10.0.0.4\nERROR no route to 10.0.0.5")
    assert names(life.at(10)) == ["LogNewError"]
    assert life.at(17) == []
    assert life.at(18, "ERROR no route to 10.0.0.6", times=10) == []  # it is known by now


def test_a_new_error_is_told_in_the_alert_that_stands_already():
    life = Life(msgspec.structs.replace(NEW, rules=(rule_said("critical: 3 in 5m"),)))

    (found,) = life.at(0, *(f"2026-11-29 03:00:0{n} ERROR no route to 10.0.0.{n}" for n in range(5)))

    assert found.labels["alertname"] == "LogPattern"
    assert found.annotations["description"].startswith("shop: a new error: ERROR no route to <*>\n5 in the last 5 min")
    assert names(life.at(4, "ERROR out of stock", times=3)) == ["LogPattern"]
    assert life.at(14) == []


def test_a_rule_that_comes_later_leaves_a_new_error_that_was_told():
    life = Life(msgspec.structs.replace(NEW, rules=(rule_said("critical: 5 in 5m"),)))

    assert names(life.at(0, "ERROR no route", times=3)) == ["LogNewError"]
    assert sorted(names(life.at(1, "ERROR no route", times=3))) == ["LogNewError", "LogPattern"]


def test_an_error_that_goes_on_is_new_for_a_day():
    life = Life(NEW)
    seen = [names(life.at(10 * n, "ERROR no route", times=3)) for n in range(26 * 6)]

    assert seen[0] == ["LogNewError"]
    assert seen[24 * 6 - 1] == ["LogNewError"]
    assert seen[24 * 6 + 1 :] == [[]] * 11


def test_nothing_is_new_while_it_learns():
    life = Life(msgspec.structs.replace(NEW, learn_seconds=3600))

    assert life.at(59, "ERROR no route", times=10) == []
    assert life.at(61, "ERROR no route", times=10) == []
    assert names(life.at(61, "ERROR out of stock", times=3)) == ["LogNewError"]


def test_words_that_take_turns_make_no_new_errors():
    life = Life(NEW, history=[f"ERROR user {name} was refused" for name in ("ana", "bo", "cem", "dora")])

    for name in ("eva", "finn", "gil", "hans"):
        assert life.at(1, f"ERROR user {name} was refused") == []


def test_of_many_new_errors_the_first_are_told():
    life = Life(NEW)
    words = [f"{chr(97 + n)}{chr(97 + n)}" for n in range(20)]

    found = life.at(0, *(f"ERROR {word} is {word} and {word}" for word in words), times=3)

    assert len(found) == NEW_MAX


def test_an_error_that_grows_far_beyond_its_rate_is_told_until_it_is_as_it_was():
    life = Life(msgspec.structs.replace(QUIET, growth=5))
    for bucket in range(30):
        assert life.at(bucket * 5, "ERROR timeout of 30 s", times=4 + bucket % 3) == []

    (found,) = life.at(151, "ERROR timeout of 31 s", times=40)

    assert found.labels["alertname"] == "LogErrorGrowth"
    assert found.annotations["summary"] == (
        "shop: an error far more often than usual: ERROR timeout of <*> s (40 times in 5 minutes, at most 6 before)"
    )
    assert "ERROR timeout of 31 s" in found.annotations["last_lines"]
    assert names(life.at(160, "ERROR timeout of 31 s", times=5)) == ["LogErrorGrowth"]
    assert life.at(176, "ERROR timeout of 31 s", times=5) == []


def test_a_rate_that_stays_is_the_usual_one_after_a_day():
    life = Life(msgspec.structs.replace(QUIET, growth=5))
    for bucket in range(20):
        life.at(bucket * 5, "ERROR timeout", times=4)
    seen = [names(life.at(100 + n * 2.5, "ERROR timeout", times=60)) for n in range(700)]

    assert seen[2] == ["LogErrorGrowth"]
    assert seen[-1] == []


def test_more_errors_than_are_kept_forget_the_oldest():
    life = Life(msgspec.structs.replace(NEW, learn_seconds=60))
    words = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"]

    for n in range(6):
        life.at(n / 10, *(f"ERROR {word} {word} {'x' * (n + 1)} {word} " for word in words))

    assert len(life.watching.tally.shapes) <= SHAPES_MAX


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5)), max_size=60), st.integers(1, 4000))
def test_a_window_counts_what_was_within_it(steps: list[tuple[int, int]], seconds: int):
    window, now, seen = Window(seconds), T0, []
    for wait, count in steps:
        now += timedelta(seconds=wait)
        seen += [now] * count
        if count:
            window.add(now, count)
    slot = timedelta(seconds=max(1, seconds // 60))

    total = window.total(now)

    assert sum(each > now - timedelta(seconds=seconds) + slot for each in seen) <= total
    assert total <= sum(each > now - timedelta(seconds=seconds) - slot for each in seen)
    assert len(window.slots) <= 121


def test_a_window_that_nobody_asks_is_bounded_too():
    window = Window(300)

    for n in range(10_000):
        window.add(T0 + timedelta(seconds=7 * n))

    assert len(window.slots) <= 61


def test_rules_are_said_in_words():
    assert rule_said("error: 20 in 5m") == LogRule(
        name="error", pattern=KNOWN["error"].pattern, count=20, within_seconds=300
    )
    assert rule_said("critical").count == KNOWN["critical"].count
    assert share_said("0.5 % in 10m") == ErrorShare(of_10000=50, within_seconds=600)
    for wrong in ("errors", "error: many in 5m", "error: 0 in 5m", "error: 5 in 9 parsecs", "error: 5 in 2d"):
        with pytest.raises(ValueError):
            rule_said(wrong)
    for wrong in ("5 in 5m", "0% in 5m", "101% in 5m", "5% in x"):
        with pytest.raises(ValueError):
            share_said(wrong)
    with pytest.raises(ValueError):
        compiled("(")


@pytest.mark.parametrize(
    ("name", "line", "matches"),
    [
        ("error", "Something FAILED here", True),
        ("error", "all is well", False),
        ("critical", "ERROR x", True),
        ("critical", "error x", False),
        ("attack", "possible attack from 10.0.0.1", True),
        ("attack", "ERROR", False),
        ("auth", "pam_unix(sshd:auth): authentication failure; user=root", True),
        ("auth", '10.0.0.1 - - [x] "POST /login HTTP/1.1" 401 12', True),
        ("auth", "Accepted password for ana", False),
    ],
)
def test_the_known_patterns_are_those_of_the_guides(name: str, line: str, matches: bool):
    assert bool(compiled(KNOWN[name].pattern)(line)) == matches
