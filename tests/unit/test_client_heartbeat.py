"""A heartbeat on a virtual clock: 25 seconds take no time."""

import math

from bytesocket_app.client.heartbeat import Heartbeat


def test_it_pings_at_its_interval() -> None:
    beat = Heartbeat(25, 20, now=100)
    assert beat.due == 125
    assert beat.check(124.9, has_heard=False) is None
    assert beat.check(125, has_heard=False) == "ping"
    assert beat.check(125, has_heard=False) is None
    found = [beat.is_waiting, beat.check(130, has_heard=True), beat.is_waiting]
    assert found == [True, None, False]
    assert beat.due == 150


def test_a_missing_pong_is_noticed() -> None:
    beat = Heartbeat(25, 20, now=0)
    assert beat.check(25, has_heard=False) == "ping"
    assert beat.due == 45
    assert beat.check(44, has_heard=False) is None
    assert beat.check(45, has_heard=False) == "dead"


def test_further_pings_do_not_restart_the_pong_timer() -> None:
    beat = Heartbeat(10, 25, now=0)
    assert [beat.check(now, has_heard=False) for now in (10, 20, 30, 35)] == [
        "ping",
        "ping",
        "ping",
        "dead",
    ]


def test_nought_turns_it_off() -> None:
    beat = Heartbeat(0, 20, now=0)
    assert beat.due == math.inf
    assert beat.check(1e9, has_heard=False) is None
    endless = Heartbeat(10, 0, now=0)
    assert [endless.check(now, has_heard=False) for now in (10, 1000)] == ["ping", "ping"]
