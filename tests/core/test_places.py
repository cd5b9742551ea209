"""A channel or a ticket is asked for only where it can come."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from tests.core.lives import T0, WORLD, Life, minutes
from tocsin.core import commands as c, facts as f
from tocsin.core.incident import Refused
from tocsin.core.places import Outside, Record


def life_with(chats: tuple[str, ...] = (), trackers: tuple[str, ...] = ()) -> Life:
    return Life(msgspec.structs.replace(WORLD, outside=Outside(chats=chats, trackers=trackers)))


def opened(at: datetime) -> Record:
    return Record(fact=f.TicketOpened(at=at, tracker="ops", kind="github", name="#1", url="https://gh.example/1"))


@pytest.mark.parametrize(("command", "missing"), [(c.OpenChannel(), "[slack]"), (c.OpenTicket(), "[[trackers]]")])
def test_what_would_never_come_is_refused_with_what_to_configure(command: c.Command, missing: str):
    life = life_with()
    before = life.kinds()

    with pytest.raises(Refused) as refusal:
        life.does(command, T0 + minutes(1))

    assert missing in str(refusal.value)
    assert life.kinds() == before


def test_a_tracker_that_is_not_configured_is_named_beside_those_that_are():
    life = life_with(trackers=("ops", "audit"))

    with pytest.raises(ValueError, match="tracker: expected one of ops, audit, got 'osp'"):
        life.does(c.OpenTicket(tracker="osp"), T0 + minutes(1))


def test_what_is_configured_is_asked_for_once():
    life = life_with(chats=("slack",), trackers=("ops",))

    for command in (c.OpenChannel(), c.OpenTicket(), c.OpenTicket(), c.OpenChannel(), c.OpenTicket(tracker="ops")):
        life.does(command, T0 + minutes(1))

    asked = [kind for kind in life.kinds() if kind.endswith("Requested")]
    assert asked == ["ChannelRequested", "TicketRequested", "TicketRequested"]


def test_a_ticket_that_is_there_is_enough_after_its_tracker_was_taken_out():
    life = life_with(trackers=("ops",))
    life.does(c.OpenTicket(tracker="ops"), T0 + minutes(1))
    life.does(opened(T0 + minutes(2)), T0 + minutes(2))
    life.world = msgspec.structs.replace(life.world, outside=Outside())

    assert life.does(c.OpenTicket(tracker="ops"), T0 + minutes(3)) == []
    assert life.does(c.OpenTicket(), T0 + minutes(3)) == []


def test_what_was_asked_for_and_can_come_no_longer_is_refused_again():
    life = life_with(chats=("slack",), trackers=("ops",))
    life.does(c.OpenTicket(tracker="ops"), T0 + minutes(1))
    life.does(c.OpenChannel(), T0 + minutes(1))
    life.world = msgspec.structs.replace(life.world, outside=Outside())

    for command in (c.OpenTicket(tracker="ops"), c.OpenTicket(), c.OpenChannel()):
        with pytest.raises(Refused, match="configured"):
            life.does(command, T0 + minutes(2))
