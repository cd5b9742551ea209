"""When the digest bites, in simulated time."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from tocsin.digest.pace import PACE_SECONDS, PAUSE_SECONDS, QUIET_ALERTS, Pace


class Simulated:
    """A digest that hears `rate` alerts a second; a bite takes `fixed` seconds and `each` for every alert in it."""

    def __init__(self, rate: float, fixed: float, each: float) -> None:
        self.now, self.rate, self.fixed, self.each = 1_000.0, rate, fixed, each
        self.pace = Pace(lambda: self.now)
        self.bites: list[int] = []
        self.busy = 0.0

    def run(self, seconds: float) -> None:
        end, waiting, came_at = self.now + seconds, 0.0, self.now
        while self.now < end:
            waiting += (self.now - came_at) * self.rate
            came_at = self.now
            if waiting >= 1:
                self.pace.fed()
            if waiting >= 1 and self.pace.allows():
                count = int(waiting)
                waiting -= count
                self.pace.began()
                took = self.fixed + count * self.each
                self.now += took
                self.busy += took
                self.pace.ended(count)
                self.bites.append(count)
            else:
                self.now += 0.001


@settings(max_examples=60, deadline=None)
@given(st.floats(300, 20_000), st.floats(0.001, 0.03), st.floats(0.000_01, 0.000_1))
def test_small_bites_never_take_all_the_time(rate: float, fixed: float, each: float) -> None:
    """What a bite costs beside its alerts grows with the incidents it touches: bites that never grow would eat the
    time in which more could be taken in, for as long as the traffic lasts."""
    life = Simulated(rate, fixed, min(each, 0.5 / rate))
    life.run(20)

    needed = fixed / PACE_SECONDS + rate * life.each
    assert life.busy / 20 < max(0.8, needed + 0.1)


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 100), st.floats(0.000_5, 0.004))
def test_what_comes_now_and_then_is_taken_at_once(rate: float, fixed: float) -> None:
    life = Simulated(rate, fixed, 0.000_02)
    life.run(10)

    assert len(life.bites) >= rate * 10 * 0.6
    assert max(life.bites) <= 2


def test_after_a_large_bite_the_next_waits_for_its_time_or_for_silence() -> None:
    now = [1_000.0]
    pace = Pace(lambda: now[0])
    pace.began()
    pace.ended(QUIET_ALERTS)
    pace.fed()
    assert not pace.allows()

    now[0] += PAUSE_SECONDS * 1.01
    assert pace.allows(), "nothing more has come"
    pace.fed()
    assert not pace.allows()
    now[0] += PACE_SECONDS * 1.01
    assert pace.allows()
