"""Several rooms in one message: one copy for each recipient (protocol.md section 5)."""

from typing import Any

from bytesocket_app.application import ByteSocket
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import Refusal
from bytesocket_app.settings import Limits, Settings
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import Stage


def _halls(limits: Limits | None = None) -> tuple[ByteSocket, Room]:
    """Make rooms `hall:{name}` that relay `hi`, with a guard that refuses `hall:closed`."""
    settings = Settings(limits=limits) if limits else Settings()
    app = ByteSocket(title="Conformance", settings=settings)
    halls = app.room("hall:{name}")
    halls.relay(app.declare("hi", dict[str, Any]))
    said = app.declare("said", dict[str, Any], direction="server")

    @halls.guard
    async def open_only(name: str) -> None:
        if name == "closed":
            raise Refusal("It is closed.", code="closed")

    @app.on("ask")
    async def ask(data: list[str]) -> None:
        await app.rooms.bulk.emit(data, said({}))

    @app.on("others")
    async def others(socket: Socket, data: list[str]) -> None:
        await socket.rooms.bulk.emit(data, said({}))

    return app, halls


async def a_bulk_join_is_answered(stage: Stage) -> None:
    """A bulk join or leave takes effect in all its rooms, and is answered with the same list."""
    app, halls = _halls()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        rooms = ["hall:a", "hall:b", "hall:a"]
        for kind, count in ((15, 1), (18, 0)):
            await talker.say({"type": kind, "rooms": rooms})
            await talker.hears({"type": kind + 1, "rooms": rooms})
            assert (halls.count(name="a"), halls.count(name="b")) == (count, count)


async def a_bulk_join_is_done_as_a_whole(stage: Stage) -> None:
    """A refusal by one room, or by its guard, keeps the peer out of all rooms of a bulk join."""
    app, halls = _halls()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        rooms = ["hall:a", "hall:closed", "hall:b"]
        await talker.say({"type": 15, "rooms": rooms})
        answer = await talker.hear()
        assert (answer["type"], answer["rooms"]) == (17, rooms), answer
        assert answer["data"]["error"]["code"] == "closed", answer
        assert halls.count(name="a") == halls.count(name="b") == 0


async def a_bulk_leave_is_done_as_a_whole(stage: Stage) -> None:
    """A refusal by one room's leave guard keeps the peer in all rooms of a bulk leave."""
    app, halls = _halls()

    @halls.leave_guard
    async def not_b(name: str) -> None:
        if name == "b":
            raise Refusal("Stay here.", code="stay")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        rooms = ["hall:a", "hall:b"]
        await talker.join(*rooms)
        await talker.say({"type": 18, "rooms": rooms})
        answer = await talker.hear()
        assert (answer["type"], answer["rooms"]) == (20, rooms), answer
        assert answer["data"]["phase"] == "onLeaveRooms", answer
        assert answer["data"]["error"]["code"] == "stay", answer
        assert halls.count(name="a") == halls.count(name="b") == 1


async def an_empty_bulk_request_succeeds(stage: Stage) -> None:
    """A bulk request with an empty list of rooms succeeds."""
    app, _ = _halls()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"type": 15, "rooms": []})
        await talker.hears({"type": 16, "rooms": []})


async def too_many_rooms_are_refused(stage: Stage) -> None:
    """The limits on rooms of a socket and on rooms to leave in a message are enforced."""
    app, _ = _halls(Limits(rooms_per_message=3, rooms_per_socket=4))
    steps = (("abcde", 17), ("abc", 16), ("de", 17), ("abcd", 16), ("abcd", 20), ("abc", 19))
    async with stage.serve(app) as site, stage.talker(site) as talker:
        for names, kind in steps:
            rooms = [f"hall:{name}" for name in names]
            await talker.say({"type": 15 if kind < 18 else 18, "rooms": rooms})
            answer = await talker.hear()
            assert answer["type"] == kind, (rooms, answer)


async def all_rooms_are_joined_again_by_one_message(stage: Stage) -> None:
    """One message may join all the rooms that a peer joined one by one before a reconnection."""
    app, _ = _halls()
    rooms = [f"hall:{number}" for number in range(app.settings.limits.rooms_per_socket)]
    async with stage.serve(app) as site:
        async with stage.talker(site) as talker:
            await talker.join(*rooms)
        async with stage.talker(site) as talker:
            await talker.say({"type": 15, "rooms": rooms})
            await talker.hears({"type": 16, "rooms": rooms})


async def a_member_of_both_gets_one_copy(stage: Stage) -> None:
    """A bulk emit reaches a member of several of its rooms once, with the list of rooms."""
    app, _ = _halls()
    rooms = ["hall:a", "hall:b"]
    expected: dict[str, Any] = {"rooms": rooms, "event": "said", "data": {}}
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.join("hall:a")
        await other.join("hall:a", "hall:b")
        await one.say({"event": "ask", "data": rooms})
        assert await one.rest() == [expected]
        assert await other.rest() == [expected]
        await one.say({"event": "others", "data": rooms})
        assert await one.rest() == []
        assert await other.rest() == [expected]


async def a_bulk_relay_reaches_each_member_once(stage: Stage) -> None:
    """A peer's event for several rooms, even one named twice, reaches each member once."""
    app, _ = _halls()
    rooms = ["hall:a", "hall:b", "hall:a"]
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        for talker in (one, other):
            await talker.join("hall:a", "hall:b")
        await one.say({"rooms": rooms, "event": "hi", "data": {"n": 1}, "id": 5})
        assert await one.rest() == [{"type": 32, "id": 5, "data": None}]
        heard = await other.rest()
        assert len(heard) == 1, heard
        assert (heard[0]["event"], heard[0]["data"]) == ("hi", {"n": 1}), heard
        assert set(heard[0]["rooms"]) == set(rooms), heard


async def a_bulk_relay_needs_membership(stage: Stage) -> None:
    """A bulk relay skips a room that the peer is not in, and is answered with `not_a_member`."""
    app, _ = _halls()
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.join("hall:a")
        await other.join("hall:b")
        await one.say({"rooms": ["hall:a", "hall:b"], "event": "hi", "data": {}, "id": 5})
        answer = await one.hear()
        assert answer["data"]["error"]["code"] == "not_a_member", answer
        assert await other.rest() == []


async def room_and_rooms_together_close(stage: Stage) -> None:
    """A message with both `room` and `rooms` closes 1008."""
    app, _ = _halls()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.join("hall:a")
        await talker.say({"room": "hall:a", "rooms": ["hall:a"], "event": "hi", "data": {}})
        ended, heard = await talker.ends()
    assert (ended.code, heard) == (1008, []), (ended, heard)


CASES = (
    a_bulk_join_is_answered,
    a_bulk_join_is_done_as_a_whole,
    a_bulk_leave_is_done_as_a_whole,
    an_empty_bulk_request_succeeds,
    too_many_rooms_are_refused,
    all_rooms_are_joined_again_by_one_message,
    a_member_of_both_gets_one_copy,
    a_bulk_relay_reaches_each_member_once,
    a_bulk_relay_needs_membership,
    room_and_rooms_together_close,
)
