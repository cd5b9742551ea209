"""What reports count, whatever happened: every number is a count of the same incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from tocsin.core.outlook import Promise
from tocsin.core.reporting import Reported, figures, lessons
from tocsin.core.view import ActionItemView

T0 = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = st.integers(0, 60).map(lambda n: T0 + timedelta(days=n))
PROMISES = st.lists(
    st.builds(
        lambda rule, state, n: Promise(key=f"{rule}@{n}", rule=rule, text=rule, state=state, due_at=T0),
        st.sampled_from(["respond:SEV-1", "update:customers:0", "action:1", "law:gdpr"]),
        st.sampled_from(["kept", "missed", "waived", "open"]),
        st.integers(1, 9),
    ),
    max_size=4,
).map(tuple)
INCIDENTS = st.lists(
    st.builds(
        Reported,
        severity=st.sampled_from(["SEV-1", "SEV-2"]),
        guide=st.just("main"),
        opened_at=DAYS,
        resolved_at=st.none() | DAYS,
        service=st.sampled_from([None, "db"]),
        category=st.sampled_from([None, "Network", "Database"]),
        drill=st.booleans(),
        false_positive=st.booleans(),
        merged_into=st.sampled_from([None, "i9"]),
        promises=PROMISES,
    ),
    max_size=12,
)


@given(INCIDENTS, DAYS, DAYS)
def test_every_number_is_of_the_same_incidents(every, one, two):
    since, until = sorted((one, two))
    found = figures(every, since, until)

    counted = [e for e in every if since <= e.opened_at < until and not e.drill and e.merged_into is None]
    real = [each for each in counted if not each.false_positive]
    assert found.total == sum(found.by_severity.values()) == sum(n for _, n in found.types) == len(counted)
    assert found.false_alarms == len(counted) - len(real)
    assert 0 <= found.recurred <= len(real)
    owed = {(n, p.rule) for n, e in enumerate(real) for p in e.promises if p.state in ("kept", "missed")}
    assert sum(map(sum, found.promises.values())) == sum(not rule.startswith(("action", "law")) for _, rule in owed)


@given(INCIDENTS, DAYS)
def test_two_halves_of_a_period_are_the_whole(every, middle):
    whole, first, second = (figures(every, *of) for of in ((T0, END), (T0, middle), (middle, END)))

    assert whole.total == first.total + second.total
    assert whole.recurred == first.recurred + second.recurred


END = T0 + timedelta(days=61)


def test_a_promise_that_was_missed_once_in_an_incident_was_not_kept_there():
    kept = Promise(key="update:customers:0@9", rule="update:customers:0", text="", state="kept", due_at=T0)
    missed = Promise(key="update:customers:0@3", rule="update:customers:0", text="", state="missed", due_at=T0)

    found = figures([Reported(severity="SEV-1", guide="main", opened_at=T0, promises=(missed, kept))], T0, END)

    assert found.promises == {"SEV-1": (0, 1)}


def test_the_same_kind_again_within_thirty_days_recurred_and_after_them_not():
    def one(days: int, category: str | None = "Network") -> Reported:
        return Reported(severity="SEV-1", guide="main", opened_at=T0 + timedelta(days=days), category=category)

    assert figures([one(0), one(30)], T0, END).recurred == 1
    assert figures([one(0), one(31)], T0, END).recurred == 0
    assert figures([one(0, None), one(1, None)], T0, END).recurred == 0, "nothing says that they are alike"


def test_an_action_item_is_completed_overdue_or_in_progress():
    def item(due: int, done: int | None = None, added: int = 0) -> ActionItemView:
        done_at = T0 + timedelta(days=done) if done is not None else None
        return ActionItemView(
            item=1,
            title="x",
            owner="ana",
            due_at=T0 + timedelta(days=due),
            priority="medium",
            status="completed" if done_at else "open",
            description="",
            criteria=(),
            horizon=None,
            added_at=T0 + timedelta(days=added),
            completed_at=done_at,
        )

    items = (item(5), item(50), item(50, done=12), item(50, done=2), item(50, added=40), item(5, done=30))
    of = Reported(severity="SEV-1", guide="main", opened_at=T0, action_items=items)

    found = lessons([of], T0 + timedelta(days=7), T0 + timedelta(days=14))

    assert found == {"completed": 1, "in progress": 1, "overdue": 2}
