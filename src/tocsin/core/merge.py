"""How deliveries about one alert add up: the life of an episode as a value that any order of deliveries agrees on.

`merge` is a join: commutative, associative and idempotent, so that any permutation of deliveries, with repeats, gives
the same life. The rules are Alertmanager's (alert/alert.go, `Merge`, read at 0.34.0): the earliest start is kept; of
two resolves the later end counts; an explicit later end beats a newer report that still fires, a heartbeat timeout does
not; a newer resolve beats whatever was said before it.

Instants are microseconds since the epoch, 0 where nobody gave one. `order` says which of two deliveries is the younger:
a number that grows with every accepted body (the time it was received, pushed forward where a clock stood still).
"""

from __future__ import annotations

import msgspec

FOREVER = 2**62  # the deadline of an alert whose sender promises to say when it ends
FIRES_MAX = 8  # explicit deadlines remembered at once: the greatest and the newest ones

Said = tuple[int, int]  # (order, end)


class Life(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of one episode.

    `fires`: reports with an explicit end, newest first, each with a later end than the newer ones before it.
    `timeout`: the newest report that gave no end, with the deadline it was given. `resolved`: the newest resolve and
    the latest end that any resolve gave. Reports older than the newest resolve are forgotten.
    """

    starts_us: int
    fires: tuple[Said, ...] = ()
    timeout: Said | None = None
    resolved: Said | None = None


def fired(order: int, starts_us: int, ends_us: int, *, timeout: bool) -> Life:
    """The life after one report that the alert fires, until `ends_us` unless somebody says more."""
    if timeout:
        return Life(starts_us=starts_us, timeout=(order, ends_us))
    return Life(starts_us=starts_us, fires=((order, ends_us),))


def resolved(order: int, starts_us: int, ends_us: int) -> Life:
    """The life after one report that the alert ended at `ends_us`. `starts_us` may be 0."""
    return Life(starts_us=starts_us, resolved=(order, ends_us))


def merge(one: Life, other: Life) -> Life:
    """What both lives know together."""
    if one == other:
        return one
    starts = min(one.starts_us, other.starts_us) or max(one.starts_us, other.starts_us)
    ended = _later_end(one.resolved, other.resolved)
    after = ended[0] if ended else -1
    fires = _staircase((*one.fires, *other.fires), after)
    newest = fires[0][0] if fires else -1
    timeouts = [said for said in (one.timeout, other.timeout) if said and said[0] > after and said[0] > newest]
    return Life(starts_us=starts, fires=fires, timeout=max(timeouts, default=None), resolved=ended)


def end_of(life: Life) -> tuple[int, bool]:
    """When the episode ends or ended, and whether that is a timeout nobody promised. Never before its start."""
    if life.timeout and (not life.fires or life.timeout[0] > life.fires[0][0]):
        explicit = life.fires[-1][1] if life.fires else 0
        end, timeout = (explicit, False) if explicit > life.timeout[1] else (life.timeout[1], True)
    elif life.fires:
        end, timeout = life.fires[-1][1], False
    else:
        assert life.resolved is not None, "a life consists of at least one report"
        end, timeout = life.resolved[1], False
    return max(end, life.starts_us), timeout


def is_resolved(life: Life) -> bool:
    """Whether the last word was that it ended. A life that is not resolved is over once its deadline has passed."""
    return not life.fires and life.timeout is None


def newest(life: Life) -> int:
    """The order of the youngest report."""
    heads = (life.fires[0] if life.fires else None, life.timeout, life.resolved)
    return max(said[0] for said in heads if said)


def restored(*, starts_us: int, ends_us: int, updated: int, timeout: bool, ended: bool) -> Life:
    """The life of an episode of which only the columns of its row are known."""
    if ended:
        return resolved(updated, starts_us, ends_us)
    return fired(updated, starts_us, ends_us, timeout=timeout)


def same_episode(life: Life, said: Life, *, received_us: int) -> bool:
    """Whether a report is about this episode, and not about one before or after it.

    A resolve whose sender names an interval that ended before this episode began speaks of an earlier one. Once this
    one was over when the report came in, a report that it fires begins a new one, unless it says it began before that.
    """
    if is_resolved(said):
        end = said.resolved[1] if said.resolved else 0
        return not (said.starts_us and end < life.starts_us)
    over = end_of(life)[0]
    if not is_resolved(life) and over > received_us:
        return True
    return said.starts_us < over


def _later_end(one: Said | None, other: Said | None) -> Said | None:
    if one and other:
        return max(one[0], other[0]), max(one[1], other[1])
    return one or other


def _staircase(fires: tuple[Said, ...], after: int) -> tuple[Said, ...]:
    """Only what still matters: reports younger than `after`, and of those no one that a younger, later end covers."""
    kept: list[Said] = []
    for said in sorted(set(fires), reverse=True):
        if said[0] > after and (not kept or said[1] > kept[-1][1]):
            kept.append(said)
    return tuple(kept) if len(kept) <= FIRES_MAX else (*kept[: FIRES_MAX - 1], kept[-1])
