"""Events outside rooms: delivery, order, replies, refusals, bad input (protocol.md section 3)."""

from dataclasses import replace
from typing import Annotated, Any

import anyio
from pydantic import Field

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import Refusal
from bytesocket_app.events import ServerHandle
from bytesocket_app.middleware import CallNext, Message
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import Ended, Stage

BURST = 300


class _Muted(Refusal, code="muted"):
    """Refusal with its own code."""


def _talking() -> tuple[ByteSocket, "ServerHandle[Any]"]:
    """Make an application with events that echo, refuse and fail."""
    app = ByteSocket(title="Conformance")
    said = app.declare("said", dict[str, Any], direction="server")

    @app.on("echo")
    async def echo(socket: Socket, data: dict[str, Any]) -> dict[str, Any]:
        await socket.emit(said(data))
        return data

    @app.on("short")
    async def short(data: Annotated[str, Field(max_length=3)]) -> None:
        del data

    @app.on("muted", raises=(_Muted,))
    async def muted() -> None:
        raise _Muted("Not now.", data={"until": 5})

    @app.on("crash")
    async def crash() -> None:
        raise ValueError("secret detail")

    return app, said


async def an_event_is_answered_by_an_event(stage: Stage) -> None:
    """An event that a handler emits arrives with its payload unchanged."""
    app, _ = _talking()
    data = {"text": "grüße 🙂", "n": 64, "big": 2**40, "f": 0.5, "none": None, "list": [1, [2]]}
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "echo", "data": data})
        await talker.hears({"event": "said", "data": data})


async def a_large_message_arrives_whole(stage: Stage) -> None:
    """A message of 300 kB arrives complete in both directions."""
    app, _ = _talking()
    data = {"text": "x" * 300_000}
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "echo", "data": data})
        await talker.hears({"event": "said", "data": data})


async def messages_keep_their_order(stage: Stage) -> None:
    """Messages of one peer are handled, and answered, in the order they were sent."""
    app, _ = _talking()

    @app.middleware
    async def uneven(socket: Socket, message: Message, call_next: CallNext) -> None:
        for _ in range(hash(str(message.data)) % 4):
            await anyio.lowlevel.checkpoint()
        await call_next(message)

    async with stage.serve(app) as site, stage.talker(site) as talker:
        for n in range(BURST):
            await talker.say({"event": "echo", "data": {"n": n}})
        for n in range(BURST):
            await talker.hears({"event": "said", "data": {"n": n}})


async def a_request_is_answered_once(stage: Stage) -> None:
    """A message with an id, text or number, is answered with that id after any emitted events."""
    app, _ = _talking()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        for identity in ("a", 7):
            await talker.say({"event": "echo", "data": {}, "id": identity})
            await talker.hears({"event": "said", "data": {}})
            await talker.hears({"type": 32, "id": identity, "data": {}})
        assert await talker.rest() == []


async def a_refusal_tells_its_code(stage: Stage) -> None:
    """A refusal answers a request with code, message and data; without an id it is a type 3."""
    app, _ = _talking()
    error = {"code": "muted", "message": "Not now.", "data": {"until": 5}}
    context = {"phase": "handler", "error": error, "event": "muted"}
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "muted", "id": 1})
        await talker.hears({"type": 33, "id": 1, "data": context})
        await talker.say({"event": "muted"})
        await talker.hears({"type": 3, "data": context})


async def a_crash_is_internal_to_the_peer(stage: Stage) -> None:
    """An exception is answered with code `internal`; the connection goes on."""
    app, _ = _talking()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "crash", "id": 1})
        answer = await talker.hear()
        assert answer["data"]["error"]["code"] == "internal", answer
        assert "secret" not in str(answer), answer
        assert await talker.rest() == []


async def a_payload_that_does_not_fit_is_refused(stage: Stage) -> None:
    """A payload that fails validation is refused with its location and the reason."""
    app, _ = _talking()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "short", "data": "four", "id": 1})
        answer = await talker.hear()
        assert answer["type"] == 33, answer
        assert answer["data"]["phase"] == "validation", answer
        assert answer["data"]["details"][0]["type"] == "string_too_long", answer
        await talker.say({"event": "short", "data": "ok"})
        assert await talker.rest() == []


async def an_unknown_event_is_refused(stage: Stage) -> None:
    """An undeclared event is refused; the connection goes on."""
    app, _ = _talking()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "ecko", "id": 1})
        answer = await talker.hear()
        assert answer["data"]["error"]["code"] == "unknown_event", answer
        assert await talker.rest() == []


async def a_frame_that_cannot_be_read_closes(stage: Stage) -> None:
    """Malformed JSON, malformed MessagePack and an empty text frame close 1008."""
    async with stage.serve(ByteSocket(title="Conformance")) as site:
        for payload in ("{", "", "nul", "NaN", b"\xc1", b"\x81\xa1", b"\x01\x01"):
            async with stage.talker(site) as talker:
                await talker.peer.send(payload)
                ended, _ = await talker.ends()
            assert ended == Ended(1008, "decode error"), f"{payload!r}: {ended}"


async def a_message_that_is_no_object_closes(stage: Stage) -> None:
    """A number, a text, a bool and null close 1008; an empty object or array is ignored."""
    async with stage.serve(ByteSocket(title="Conformance")) as site:
        for message in (5, "text", True, None):
            async with stage.talker(site) as talker:
                await talker.say(message)
                ended, _ = await talker.ends()
            assert ended == Ended(1008, "bad format"), f"{message!r}: {ended}"
        async with stage.talker(site) as talker:
            await talker.say({})
            await talker.say([])
            assert await talker.rest() == []


async def both_opcodes_are_read(stage: Stage) -> None:
    """The opcode of a frame selects its decoder; sent messages use the connection's codec."""
    app, _ = _talking()
    other = replace(stage, codec="binary" if stage.codec == "json" else "json")
    async with stage.serve(app) as site, stage.talker(site) as talker:
        data = app.encode({"event": "echo", "data": {}}, codec=other.codec)
        await talker.peer.send(data)
        received = await talker.peer.receive()
        assert isinstance(received, str) == (stage.codec == "json"), received


async def a_call_can_choose_its_codec(stage: Stage) -> None:
    """`codec=` overrides the connection's codec for one emit."""
    app, said = _talking()
    other = "binary" if stage.codec == "json" else "json"

    @app.on("other")
    async def answer(socket: Socket) -> None:
        await socket.emit(said({}), codec="binary" if other == "binary" else "json")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "other"})
        received = await talker.peer.receive()
        assert isinstance(received, bytes) == (other == "binary"), received


async def a_broadcast_reaches_everybody(stage: Stage) -> None:
    """`app.broadcast` reaches all sockets, `socket.broadcast` all but the socket itself."""
    app, said = _talking()

    @app.on("all")
    async def everybody() -> None:
        await app.broadcast(said({"to": "all"}))

    @app.on("others")
    async def others(socket: Socket) -> None:
        await socket.broadcast(said({"to": "others"}))

    async with stage.serve(app) as site, stage.pair(site) as (one, other):
        await one.rest()
        await other.rest()
        await one.say({"event": "others"})
        await one.say({"event": "all"})
        assert await one.rest() == [{"event": "said", "data": {"to": "all"}}]
        expected = [{"event": "said", "data": {"to": to}} for to in ("others", "all")]
        assert await other.rest() == expected


async def middleware_passes_changes_and_stops(stage: Stage) -> None:
    """Middleware may pass on a changed message, or stop a message by passing on none."""
    app, _ = _talking()

    @app.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> None:
        if message.data != {"stop": True}:
            await call_next(replace(message, data={"changed": True}))

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "echo", "data": {"stop": True}})
        await talker.say({"event": "echo", "data": {}})
        assert await talker.rest() == [{"event": "said", "data": {"changed": True}}]


async def numeric_event_names_are_names(stage: Stage) -> None:
    """Numbers such as 7, -1 and 1.5 are event names."""
    app, seen = ByteSocket(title="Conformance"), list[Any]()
    for name in (7, -1, 1.5):

        @app.on(name)
        async def note(data: int) -> None:
            seen.append(data)

    async with stage.serve(app) as site, stage.talker(site) as talker:
        for index, name in enumerate((7, -1, 1.5)):
            await talker.say({"event": name, "data": index})
        await talker.rest()
    assert seen == [0, 1, 2], seen


CASES = (
    an_event_is_answered_by_an_event,
    a_large_message_arrives_whole,
    messages_keep_their_order,
    a_request_is_answered_once,
    a_refusal_tells_its_code,
    a_crash_is_internal_to_the_peer,
    a_payload_that_does_not_fit_is_refused,
    an_unknown_event_is_refused,
    a_frame_that_cannot_be_read_closes,
    a_message_that_is_no_object_closes,
    both_opcodes_are_read,
    a_call_can_choose_its_codec,
    a_broadcast_reaches_everybody,
    middleware_passes_changes_and_stops,
    numeric_event_names_are_names,
)
