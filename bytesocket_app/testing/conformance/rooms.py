"""Single rooms: joining, leaving, relays and emits (protocol.md section 5)."""

from typing import Any

from bytesocket_app.application import ByteSocket
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import Refusal
from bytesocket_app.events import ServerPayload
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import BARRIER, Stage


def _lobby() -> tuple[ByteSocket, Room]:
    """Make a lobby that relays `hi` among its members; `ask` makes the server emit there."""
    app = ByteSocket(title="Conformance")
    lobby = app.room("lobby")
    hi = app.declare("hi", dict[str, Any])
    said = app.declare("said", dict[str, Any], direction="server")
    lobby.relay(hi)

    @app.on("ask")
    async def ask(socket: Socket, data: dict[str, Any]) -> None:
        exclude = socket if data.get("exclude") else None
        await lobby.emit(said(data), exclude=exclude)

    @app.on("step")
    async def step(socket: Socket, data: str) -> list[str]:
        await (socket.rooms.join("side") if data == "in" else socket.rooms.leave("side"))
        return socket.rooms.list()

    return app, lobby


async def a_join_is_answered(stage: Stage) -> None:
    """Joins and leaves are answered; a repeated one changes nothing and is answered too."""
    app, lobby = _lobby()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.join("lobby", "lobby")
        assert lobby.count() == 1
        for _ in range(2):
            await talker.say({"type": 12, "room": "lobby"})
            await talker.hears({"type": 13, "room": "lobby"})
        assert lobby.count() == 0


async def an_undeclared_room_is_refused(stage: Stage) -> None:
    """An undeclared room, or one that only the server adds members to, cannot be joined."""
    app, _ = _lobby()
    app.room("feed", join="server")
    async with stage.serve(app) as site, stage.talker(site) as talker:
        for room in ("nowhere", "feed", "", "__bytesocket_broadcast__"):
            await talker.say({"type": 9, "room": room})
            answer = await talker.hear()
            assert (answer["type"], answer["room"]) == (11, room), answer
            assert answer["data"]["phase"] == "onJoinRoom", answer
            assert answer["data"]["error"]["code"] == "unknown_room", answer


async def a_guard_decides(stage: Stage) -> None:
    """A guard gets the room's parameters as typed values; its refusal answers the join."""
    app, _ = _lobby()
    doc = app.room("doc:{number}")

    @doc.guard
    async def only_even(number: int) -> None:
        if number % 2:
            raise Refusal("Only even ones.", code="odd")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.join("doc:2")
        for room, code in (("doc:3", "odd"), ("doc:x", "invalid")):
            await talker.say({"type": 9, "room": room})
            answer = await talker.hear()
            assert (answer["type"], answer["data"]["error"]["code"]) == (11, code), answer
        assert doc.count(number=3) == 0


async def a_leave_guard_decides(stage: Stage) -> None:
    """A leave guard's refusal answers the leave, and the peer stays in; a close asks no guard."""
    app, lobby = _lobby()
    asked: list[int] = []

    @lobby.leave_guard
    async def not_yet(socket: Socket) -> None:
        asked.append(lobby.count())
        if len(asked) == 1:
            raise Refusal("Not yet.", code="early")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.join("lobby")
        await talker.say({"type": 12, "room": "lobby"})
        answer = await talker.hear()
        assert (answer["type"], answer["room"]) == (14, "lobby"), answer
        assert answer["data"]["phase"] == "onLeaveRoom", answer
        assert answer["data"]["error"]["code"] == "early", answer
        assert lobby.count() == 1
        await talker.say({"type": 12, "room": "lobby"})
        await talker.hears({"type": 13, "room": "lobby"})
        await talker.join("lobby")
    assert asked == [1, 1], asked


async def a_guard_of_all_rooms_is_asked_first(stage: Stage) -> None:
    """A guard of all rooms is asked about each join before the room's own guard."""
    app, lobby = _lobby()
    side, asked = app.room("side"), list[str]()

    @app.rooms.guard
    async def only_the_lobby(room: str) -> None:
        asked.append(room)
        if room != "lobby":
            raise Refusal("Only the lobby.", code="elsewhere")

    @side.guard
    async def never_asked() -> None:
        asked.append("its own")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.join("lobby")
        await talker.say({"type": 9, "room": "side"})
        answer = await talker.hear()
        assert (answer["type"], answer["data"]["error"]["code"]) == (11, "elsewhere"), answer
        assert (lobby.count(), side.count(), asked) == (1, 0, ["lobby", "side"])


async def a_relay_taken_back_is_refused(stage: Stage) -> None:
    """A relay that the server takes back is refused from then on, for connected peers too."""
    app, lobby = _lobby()
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.join("lobby")
        await other.join("lobby")
        lobby.unrelay()
        await one.say({"room": "lobby", "event": "hi", "data": {}, "id": 1})
        answer = await one.hear()
        assert answer["data"]["error"]["code"] == "unknown_event", answer
        assert await other.rest() == []


async def a_relay_goes_to_the_other_members(stage: Stage) -> None:
    """A relayed event reaches every member but its sender; undeclared keys are dropped."""
    app, _ = _lobby()
    async with (
        stage.serve(app) as site,
        stage.pair(site) as (one, other),
        stage.talker(site) as outside,
    ):
        await one.join("lobby")
        await other.join("lobby")
        await one.say({"room": "lobby", "event": "hi", "data": {"n": 1}, "extra": True})
        assert await one.rest() == []
        assert await other.rest() == [{"room": "lobby", "event": "hi", "data": {"n": 1}}]
        assert await outside.rest() == []


async def a_relay_needs_membership_and_a_declaration(stage: Stage) -> None:
    """An event from a peer outside the room, or one that the room does not take, is refused."""
    app, _ = _lobby()
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await other.join("lobby")
        await one.say({"room": "lobby", "event": "hi", "data": {}, "id": 1})
        answer = await one.hear()
        assert answer["data"]["error"]["code"] == "not_a_member", answer
        await one.join("lobby")
        await one.say({"room": "lobby", "event": "ask", "data": {}, "id": 2})
        answer = await one.hear()
        assert answer["data"]["error"]["code"] == "unknown_event", answer
        assert await other.rest() == []


async def a_server_emit_reaches_every_member(stage: Stage) -> None:
    """An emit by server code reaches all members, except one that is excluded."""
    app, _ = _lobby()
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.join("lobby")
        await other.join("lobby")
        for exclude in (False, True):
            await one.say({"event": "ask", "data": {"exclude": exclude}})
        included = {"room": "lobby", "event": "said", "data": {"exclude": False}}
        excluded = {"room": "lobby", "event": "said", "data": {"exclude": True}}
        assert await one.rest() == [included]
        assert await other.rest() == [included, excluded]


async def who_left_hears_no_more(stage: Stage) -> None:
    """A peer that left a room gets no more of its events."""
    app, _ = _lobby()
    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.join("lobby")
        await other.join("lobby")
        await other.say({"type": 12, "room": "lobby"})
        await other.hears({"type": 13, "room": "lobby"})
        await one.say({"event": "ask", "data": {}})
        assert len(await one.rest()) == 1
        assert await other.rest() == []


async def a_handlers_answer_goes_to_the_others(stage: Stage) -> None:
    """A server event that a room handler returns goes to the others; other results are replies."""
    app, lobby = _lobby()
    move = app.declare("move", int, direction="client")
    moved = app.declare("moved", int, direction="server")
    count = app.declare("count", str, direction="client")

    @lobby.on(move)
    async def on_move(data: int) -> ServerPayload[int]:
        return moved(data + 1)

    @lobby.on(count)
    async def on_count(data: str) -> int:
        return len(data)

    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.join("lobby")
        await other.join("lobby")
        await one.say({"room": "lobby", "event": "move", "data": 1})
        await one.say({"room": "lobby", "event": "count", "data": "four", "id": 9})
        assert await one.rest() == [{"type": 32, "id": 9, "data": 4}]
        assert await other.rest() == [{"room": "lobby", "event": "moved", "data": 2}]


async def server_code_joins_without_a_guard(stage: Stage) -> None:
    """Joins and leaves by server code run no guard, and tell a client without contract nothing."""
    app, _ = _lobby()
    side = app.room("side")

    @side.guard
    async def nobody() -> None:
        raise Refusal("Never.")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "step", "data": "in", "id": 1})
        await talker.hears({"type": 32, "id": 1, "data": ["side"]})
        await talker.say({"event": "step", "data": "out", "id": 2})
        await talker.hears({"type": 32, "id": 2, "data": []})


async def who_is_removed_is_told(stage: Stage) -> None:
    """A peer that names a contract is told that server code took it out of a room; others not."""
    app, lobby = _lobby()

    @app.on("clear")
    async def clear(data: str) -> None:
        await app.rooms.clear("lobby", code=data, message="Out.")

    query = f"contract={app.contract().fingerprint}"
    async with (
        stage.serve(app) as site,
        stage.talker(site, query=query) as one,
        stage.talker(site, query=query) as outside,
        stage.talker(site) as other,
    ):
        await one.join("lobby")
        await other.join("lobby")
        await other.say({"event": "ask", "data": {}})
        await other.say({"event": "clear", "data": "closed"})
        await other.say({"event": "ask", "data": {}})
        said: dict[str, Any] = {"room": "lobby", "event": "said", "data": {}}
        assert await other.rest() == [said]
        told = {"type": 38, "room": "lobby", "code": "closed", "message": "Out."}
        assert await one.rest() == [said, told]
        assert await outside.rest() == []
        assert lobby.count() == 0


async def join_and_leave_hooks_run_once_each(stage: Stage) -> None:
    """The join hook and the leave hook run once for each membership, however it ends."""
    app, lobby = _lobby()
    seen: list[str] = []

    @lobby.on_join
    async def joined() -> None:
        seen.append("in")

    @lobby.on_leave
    async def left() -> None:
        seen.append("out")

    async with stage.serve(app) as site:
        async with stage.pair(site) as (one, other):
            await one.join("lobby", "lobby")
            await one.say({"type": 12, "room": "lobby"})
            await one.say({"type": 12, "room": "lobby"})
            await one.rest()
            assert seen == ["in", "out"], seen
            await other.join("lobby")
        async with stage.talker(site) as last:
            await last.rest()
    assert seen == ["in", "out", "in", "out"], seen


async def every_join_is_answered(stage: Stage) -> None:
    """A request to join or leave is answered with success or error, and the room's name."""
    async with stage.serve(ByteSocket(title="Conformance")) as site, stage.talker(site) as talker:
        for kind in (9, 12):
            await talker.say({"type": kind, "room": BARRIER})
            answer = await talker.hear()
            assert answer["type"] in {kind + 1, kind + 2}, answer
            assert answer["room"] == BARRIER, answer


async def every_bulk_join_is_answered(stage: Stage) -> None:
    """A bulk request is answered with success or error, and the same list of rooms."""
    async with stage.serve(ByteSocket(title="Conformance")) as site, stage.talker(site) as talker:
        for kind in (15, 18):
            await talker.say({"type": kind, "rooms": [BARRIER]})
            answer = await talker.hear()
            assert answer["type"] in {kind + 1, kind + 2}, answer
            assert answer["rooms"] == [BARRIER], answer


CASES = (
    a_join_is_answered,
    an_undeclared_room_is_refused,
    a_guard_decides,
    a_leave_guard_decides,
    a_guard_of_all_rooms_is_asked_first,
    a_relay_taken_back_is_refused,
    a_relay_goes_to_the_other_members,
    a_relay_needs_membership_and_a_declaration,
    a_server_emit_reaches_every_member,
    who_left_hears_no_more,
    a_handlers_answer_goes_to_the_others,
    server_code_joins_without_a_guard,
    who_is_removed_is_told,
    join_and_leave_hooks_run_once_each,
)
