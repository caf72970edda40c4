"""Room for bodies."""

import pytest

from rulesd.web.answers import Refused
from rulesd.web.room import Room


def test_places_share_a_room_and_give_back() -> None:
    room = Room(100)
    with room.place() as one:
        one.hold(60)
        one.hold(30)  # it holds that already
        assert room.used == 60
        with pytest.raises(Refused) as caught, room.place() as two:
            two.hold(41)
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "2")
        assert room.used == 60
        one.hold(100)
    assert room.used == 0
