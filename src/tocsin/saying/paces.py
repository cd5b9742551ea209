"""How fast each provider is handed announcements, so that ten thousand of them neither flood it nor wait for another.

A lane is one provider (`core.people.destination`). It takes a few at once, so many a second, and rests when it says
that it has had enough, or when nobody answers there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

LEASED_MAX = 64  # of one lane at once; with 8 under way and 30 s for each, all of them are made within a lease
REST_SECONDS_MAX = 300.0  # a provider may ask for more; it is asked again then
FAILED_REST_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)  # after so many attempts in a row that met nobody
MET_NOBODY = ("unreachable", "timeout", "throttled")

PER_SECOND: Mapping[str, float] = {
    "email": 50.0,  # what a small mail server takes without delay; 10,000 in under four minutes
    "slack": 1.0,  # Slack's limit for messages to one channel
    "teams": 2.0,  # Teams allows four requests a second per connection
    "mattermost": 5.0,
    "rocketchat": 5.0,
    "discord": 2.0,  # five requests in two seconds per webhook
    "telegram": 20.0,  # thirty a second per bot
    "sms": 1.0,  # one a second per long number
    "voice": 1.0,
}
OTHERS_PER_SECOND = 20.0


class _Lane:
    def __init__(self, per_second: float, now: float) -> None:
        self.per_second = per_second
        self.tokens = max(1.0, per_second)
        self.counted_at = now
        self.leased = 0
        self.failures = 0
        self.rests_until = 0.0

    def count(self, now: float) -> None:
        most = max(1.0, self.per_second)
        self.tokens = min(most, self.tokens + (now - self.counted_at) * self.per_second)
        self.counted_at = now


class Paces:
    """Every lane that is in use. Seconds are those of any clock that does not go back."""

    def __init__(
        self, per_second: Mapping[str, float] = PER_SECOND, rest_seconds: Sequence[float] = FAILED_REST_SECONDS
    ) -> None:
        self._per_second = per_second
        self._rest_seconds = rest_seconds
        self._lanes: dict[str, _Lane] = {}
        self._open: set[str] = set()  # the lanes whose pace and rest held nothing back when `room` was asked

    def room(self, now: float) -> Callable[[str], int]:
        """How many more each lane may take, as of now; the answer may be asked in another thread."""
        known = {}
        self._open.clear()
        for name, lane in self._lanes.items():
            lane.count(now)
            room = 0 if lane.rests_until > now else min(LEASED_MAX - lane.leased, int(lane.tokens))
            known[name] = room
            if room == LEASED_MAX - lane.leased:
                self._open.add(name)
        return lambda name: known.get(name, min(LEASED_MAX, max(1, int(self._rate(name)))))

    def took(self, name: str, now: float) -> None:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(self._rate(name), now)
        lane.count(now)
        lane.tokens -= 1
        lane.leased += 1

    def ended(self, name: str, code: str, retry_after_seconds: int | None, now: float) -> bool:
        """An attempt ended so; whether the lane has room again worth a look."""
        lane = self._lanes[name]
        lane.leased -= 1
        if code in MET_NOBODY:
            lane.failures = min(lane.failures + 1, len(self._rest_seconds))
            asked = min(float(retry_after_seconds or 0), REST_SECONDS_MAX)
            lane.rests_until = max(lane.rests_until, now + max(asked, self._rest_seconds[lane.failures - 1]))
        else:
            lane.failures = 0
        lane.count(now)
        if not lane.leased and lane.rests_until <= now and lane.tokens >= max(1.0, lane.per_second):
            del self._lanes[name]
            return True
        return lane.leased in (0, LEASED_MAX // 2)

    def frees_in(self, now: float) -> float | None:
        """Seconds until a lane has room whose pace or rest held something back when `room` was last asked; None when
        there is no such lane. 0: it has some by now, though it had none then."""
        waits = []
        for name, lane in self._lanes.items():
            lane.count(now)
            if lane.leased < LEASED_MAX and name not in self._open:
                waits.append(max(lane.rests_until - now, (1 - lane.tokens) / lane.per_second, 0.0))
        return min(waits, default=None)

    def _rate(self, name: str) -> float:
        return self._per_second.get(name.partition(" ")[0], OTHERS_PER_SECOND)
