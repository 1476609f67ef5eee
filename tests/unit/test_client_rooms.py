"""Rooms: wanted, joined, left, over connections; never asked twice."""

from bytesocket_app.client.rooms import Rooms
from bytesocket_app.errors import RequestError
from bytesocket_app.wire import MessageType

JOIN, LEAVE = MessageType.JOIN_ROOM, MessageType.LEAVE_ROOM
Asked = list[tuple[MessageType, str | tuple[str, ...]]]


def open_rooms() -> tuple[Rooms, Asked]:
    rooms, asked = Rooms(), Asked()
    rooms.opened(lambda kind, room: asked.append((kind, room)))
    return rooms, asked


def test_handles_are_counted_and_the_last_one_leaves() -> None:
    rooms, asked = open_rooms()
    rooms.join("r")
    rooms.join("r")
    rooms.answered("r", is_join=True, error=None)
    assert rooms.joined() == ["r"]
    rooms.leave("r")
    assert asked == [(JOIN, "r")]
    rooms.leave("r")
    assert asked == [(JOIN, "r"), (LEAVE, "r")]
    rooms.answered("r", is_join=False, error=None)
    assert "r" not in rooms


def test_a_join_before_the_connection_is_asked_once() -> None:
    rooms, asked = Rooms(), Asked()
    rooms.join("r")
    rooms.opened(lambda kind, room: asked.append((kind, room)))
    assert asked == [(JOIN, "r")]


def test_a_room_left_offline_is_forgotten() -> None:
    rooms, asked = open_rooms()
    rooms.join("r")
    rooms.answered("r", is_join=True, error=None)
    rooms.closed()
    rooms.leave("r")
    rooms.opened(lambda kind, room: asked.append((kind, room)))
    assert asked == [(JOIN, "r")]


def test_a_room_left_while_its_join_is_under_way_is_left_after_it() -> None:
    rooms, asked = open_rooms()
    rooms.join("r")
    rooms.leave("r")
    assert asked == [(JOIN, "r")]
    rooms.answered("r", is_join=True, error=None)
    assert asked == [(JOIN, "r"), (LEAVE, "r")]


def test_a_room_joined_again_while_its_leave_is_under_way_is_joined_after_it() -> None:
    rooms, asked = open_rooms()
    rooms.join("r")
    rooms.answered("r", is_join=True, error=None)
    rooms.leave("r")
    room = rooms.join("r")
    flags = [(room.is_joined, room.is_leaving)]
    rooms.answered("r", is_join=False, error=None)
    flags.append((room.is_joined, room.is_leaving))
    assert [kind for kind, _ in asked] == [JOIN, LEAVE, JOIN]
    assert flags == [(True, True), (False, False)]


def test_a_refused_join_is_tried_again_at_the_next_connection_or_handle() -> None:
    rooms, asked = open_rooms()
    errors = list[RequestError | None]()
    room = rooms.join("r")
    rooms.answered("r", is_join=True, error=RequestError("no"))
    errors.append(room.error)
    rooms.join("r")
    errors.append(room.error)
    rooms.answered("r", is_join=True, error=RequestError("no"))
    rooms.closed()
    rooms.opened(lambda kind, room: asked.append((kind, room)))
    errors.append(room.error)
    assert asked == [(JOIN, "r")] * 3
    assert [error is None for error in errors] == [False, True, True]


def test_a_refused_leave_is_not_repeated() -> None:
    rooms, asked = open_rooms()
    rooms.join("r")
    rooms.answered("r", is_join=True, error=None)
    rooms.leave("r")
    rooms.answered("r", is_join=False, error=RequestError("stay"))
    assert [kind for kind, _ in asked] == [JOIN, LEAVE]
    assert rooms.joined() == ["r"]


def test_answers_about_unknown_rooms_are_ignored() -> None:
    rooms, asked = open_rooms()
    rooms.answered("r", is_join=True, error=None)
    assert rooms.joined() == []
    assert asked == []


def test_a_removal_while_a_join_or_a_leave_is_pending_is_ignored_as_the_answer_decides() -> None:
    rooms, asked = open_rooms()
    told = list[RequestError]()
    room = rooms.join("r")
    room.left.append(told.append)
    rooms.removed("r", RequestError("removed"))
    rooms.answered("r", is_join=True, error=None)
    assert (rooms.joined(), told) == (["r"], [])
    rooms.leave("r")
    again = rooms.join("r")
    again.left.append(told.append)
    rooms.removed("r", RequestError("removed"))
    rooms.answered("r", is_join=False, error=None)
    rooms.answered("r", is_join=True, error=None)
    assert (rooms.joined(), told) == (["r"], [])
    assert asked == [(JOIN, "r"), (LEAVE, "r"), (JOIN, "r")]


def test_a_removal_ends_the_membership_and_a_new_join_begins_another() -> None:
    rooms, asked = open_rooms()
    told = list[RequestError]()
    room, error = rooms.join("r"), RequestError("removed")
    room.left.append(told.append)
    rooms.answered("r", is_join=True, error=None)
    rooms.removed("r", error)
    rooms.removed("r", error)
    rooms.removed("unknown", error)
    assert told == [error]
    assert ("r" in rooms, room.is_joined) == (False, False)
    rooms.closed()
    rooms.opened(lambda kind, name: asked.append((kind, name)))
    assert asked == [(JOIN, "r")]
    assert rooms.join("r") is not room
    assert asked == [(JOIN, "r"), (JOIN, "r")]


def test_a_removal_from_a_room_that_refused_the_join_is_ignored() -> None:
    rooms, _ = open_rooms()
    room = rooms.join("r")
    rooms.answered("r", is_join=True, error=RequestError("no"))
    rooms.removed("r", RequestError("removed"))
    assert "r" in rooms
    assert room.error is not None
