"""What a client makes of a message, and what it writes."""

import json
from typing import Any

import pytest

from bytesocket_app.client.messages import (
    ABSENT,
    AuthAccepted,
    AuthRefused,
    EventArrived,
    MembershipAnswered,
    Replied,
    ServerComplained,
    classify,
    event_frame,
    lifecycle_frame,
)
from bytesocket_app.wire import JSON, MessageType


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ({"type": 5}, AuthAccepted()),
        ({"type": 5.0, "event": "e"}, AuthAccepted()),
        ({"type": 6, "data": None}, AuthRefused(None)),
        ({"type": 3, "data": "x"}, ServerComplained("x")),
        ({"type": 10, "room": ""}, MembershipAnswered(("",), True, True)),
        ({"type": 11, "room": "r", "data": 1}, MembershipAnswered(("r",), True, False, 1)),
        ({"type": 13, "room": "r"}, MembershipAnswered(("r",), False, True)),
        ({"type": 14, "room": "r", "data": 1}, MembershipAnswered(("r",), False, False, 1)),
        ({"type": 16, "rooms": ["a", "b"]}, MembershipAnswered(("a", "b"), True, True)),
        ({"type": 17, "rooms": [], "data": 1}, MembershipAnswered((), True, False, 1)),
        ({"type": 19, "rooms": ["a"]}, MembershipAnswered(("a",), False, True)),
        ({"type": 20, "rooms": ["a"], "data": 1}, MembershipAnswered(("a",), False, False, 1)),
        ({"type": 32, "id": 1, "data": 2}, Replied(1, 2, False)),
        ({"type": 32, "id": "a"}, Replied("a", None, False)),
        ({"type": 33, "id": 1, "data": {}}, Replied(1, {}, True)),
        ({"event": "e"}, EventArrived("e", ABSENT)),
        ({"event": 7, "data": 1}, EventArrived(7, 1)),
        ({"room": "r", "event": "e", "data": 1}, EventArrived("e", 1, ("r",))),
        ({"room": 5, "event": "e", "data": 1}, EventArrived("e", 1)),
        ({"rooms": ["a", "b"], "room": "r", "event": 1.5}, EventArrived(1.5, ABSENT, ("a", "b"))),
        ({"rooms": [1], "event": "e"}, EventArrived("e", ABSENT)),
        # Not what its type says: the next shape that fits decides.
        ({"type": 6, "event": "e", "data": 1}, AuthRefused(1)),
        ({"type": 6, "event": "e"}, EventArrived("e", ABSENT)),
        ({"type": True, "event": "e"}, EventArrived("e", ABSENT)),
        ({"type": "5", "event": "e"}, EventArrived("e", ABSENT)),
        ({"type": 10, "room": 1, "event": "e"}, EventArrived("e", ABSENT)),
        ({"type": 11, "room": "r", "event": "e"}, EventArrived("e", ABSENT, ("r",))),
        ({"type": 17, "rooms": ["r"], "event": "e"}, EventArrived("e", ABSENT, ("r",))),
        ({"type": 32, "id": True, "event": "e"}, EventArrived("e", ABSENT)),
    ],
)
def test_the_first_shape_that_fits_decides(message: dict[str, Any], meaning: object) -> None:
    assert classify(message) == meaning


@pytest.mark.parametrize(
    "message",
    [None, 5, "text", [], {}, {"type": 6}, {"type": 25}, {"event": True}, {"event": None}],
)
def test_everything_else_is_ignored(message: object) -> None:
    assert classify(message) is None


def test_frames_hold_only_what_is_meant() -> None:
    assert json.loads(event_frame(JSON, "e", 1)) == {"event": "e", "data": 1}
    framed = event_frame(JSON, 7, None, room="r", request=3)
    assert json.loads(framed) == {"room": "r", "event": 7, "id": 3, "data": None}
    assert json.loads(lifecycle_frame(JSON, MessageType.AUTH, data={})) == {"type": 4, "data": {}}
