"""What an answer repeats of a message: never much more than came, whatever it is made of."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ClientEvent,
    Count,
    Event,
    Limits,
    Policies,
    Settings,
    Socket,
)
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.shapes import ECHO, echoed, is_longer
from tests.support.listening import Noted

pytestmark = pytest.mark.anyio

SIZE = 200_000
SPARE = 6 * 2 * ECHO + 16 * (6 * 2 * ECHO + 200)
"""Bytes of an answer whose every text is as long as it may be, and escaped."""

ALPHABETS = ["x", "\x01", '"', "é", "\U0001f600"]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Known(ClientEvent, name="known"):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    lists: dict[str, list[int]] | None = None
    deep: dict[str, dict[str, dict[str, list[int]]]] | None = None


class Note(Event, name="note"):
    text: str = ""


def make(settings: Settings | None = None, codec: CodecName = "json") -> ByteSocket:
    app = ByteSocket(title="Echoes", events=[Known, Note], settings=settings, serialization=codec)
    app.room("lobby").relay(Note)

    @app.on(Known)
    async def known(event: Known) -> int:
        return 1

    return app


def text(letter: str, size: int = SIZE) -> str:
    return letter * (size // len(letter.encode()))


Kind = Callable[[str], Any]

KINDS: dict[str, Kind] = {
    "an unknown event": lambda a: {"event": text(a)},
    "an unknown event, asked": lambda a: {"event": text(a), "id": 1},
    "an id": lambda a: {"event": "known", "data": {}, "id": text(a)},
    "an unknown event in a room": lambda a: {"event": text(a), "room": "lobby"},
    "an unknown room": lambda a: {"event": "note", "room": text(a), "id": 1},
    "a room of another": lambda a: {"event": text(a), "room": text(a), "id": 1},
    "unknown rooms": lambda a: {"event": "note", "rooms": [text(a, SIZE // 50)] * 50, "id": 1},
    "a join": lambda a: {"type": 9, "room": text(a)},
    "a leave": lambda a: {"type": 12, "room": text(a)},
    "joins": lambda a: {"type": 15, "rooms": [text(a, SIZE // 50)] * 50},
    "leaves": lambda a: {"type": 18, "rooms": [text(a, SIZE // 50)] * 50},
    "short joins": lambda a: {"type": 15, "rooms": [a] * (SIZE // 4)},
    "short leaves": lambda a: {"type": 18, "rooms": [a] * (SIZE // 4)},
    "a type": lambda a: {"type": text(a), "event": "known", "data": text(a)},
    "a key with many errors": lambda a: {
        "event": "known",
        "data": {"lists": {text(a): ["none"] * 100}},
        "id": 1,
    },
    "keys in keys": lambda a: {
        "event": "known",
        "data": {"deep": {text(a, SIZE // 3): {text(a, SIZE // 3): {text(a): ["none"] * 100}}}},
    },
    "a tag": lambda a: {"event": "known", "data": {"pet": {"kind": text(a)}}},
    "credentials": lambda a: {"type": 4, "data": text(a)},
    "no object": text,
    "a list": lambda a: [text(a)],
    "nothing known": lambda a: {text(a): text(a)},
}


@contextmanager
def counting(patch: pytest.MonkeyPatch) -> Generator[list[int]]:
    """Count the bytes of the frames that servers write to memory."""
    sizes: list[int] = []
    write = MemoryTransport.write

    def counted(self: MemoryTransport, frame: Frame) -> int:
        sizes.append(len(frame.payload))
        return write(self, frame)

    with patch.context() as inside:
        inside.setattr(MemoryTransport, "write", counted)
        yield sizes


async def answered(client: TestClient, message: Any, codec: CodecName) -> int:
    """Send a message; returns its bytes once all that it causes is done."""
    payload = CODECS[codec].encode(message)
    try:
        await client.send_raw(payload if CODECS[codec].is_binary else payload.decode())
        end: Any = {"event": "known", "data": {}, "id": "end"}
        await client.send_raw(CODECS["json"].encode(end).decode())
        while (await client.receive_message()).get("id") != "end":
            pass
    except Disconnected:
        pass
    return len(payload)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestAmplifiers:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("said", ["json", "binary"])
    @pytest.mark.parametrize("heard", ["json", "binary"])
    async def test_an_answer_is_no_longer_than_what_it_answers(
        self,
        kind: str,
        said: CodecName,
        heard: CodecName,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for letter in ALPHABETS:
            with counting(monkeypatch) as sizes:
                async with TestClient(make(codec=heard)) as client:
                    sent = await answered(client, KINDS[kind](letter), said)
            assert sent >= SIZE // 2
            assert sum(sizes) <= sent + SPARE, (letter, sent, sum(sizes))
            assert sum(sizes) <= SPARE, (letter, sum(sizes))

    async def test_the_problems_of_credentials_are_cut(self) -> None:
        app = make()

        @app.auth
        async def login(_: Socket, credentials: dict[str, int]) -> str:
            raise AuthError("never")

        with pytest.raises(RequestError) as caught:
            async with TestClient(app, credentials={"k" * 10_000: "none"}):
                pass
        assert len(caught.value.message) < 3 * ECHO


class TestIds:
    @pytest.mark.parametrize("identity", ["x" * 129, "é" * 65, 10**200, -(10**200)])
    async def test_a_long_id_closes(self, identity: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        app = make()
        recorder = app.telemetry.listener = Noted()
        async with TestClient(app) as client:
            await client.send_raw(_json({"event": "known", "data": {}, "id": identity}))
            assert await client.wait_closed() == (1008, "request id too long")
            (line,) = [r.getMessage() for r in caplog.records]
            assert line.startswith("closing 1008 request id too long, <socket ")
        assert (Count.REFUSED, 1, {"code": "request_id_too_long"}) in recorder.counts

    @pytest.mark.parametrize("identity", ["x" * 128, "é" * 64, 2**64 - 1, -(2**63), 0, ""])
    async def test_others_are_answered(self, identity: Any) -> None:
        async with TestClient(make()) as client:
            await client.send({"event": "known", "data": {}, "id": identity})
            assert await client.receive_message() == {"type": 32, "id": identity, "data": 1}

    async def test_there_may_be_no_limit(self) -> None:
        settings = Settings(limits=Limits(request_id_bytes=0))
        async with TestClient(make(settings)) as client:
            await client.send({"event": "known", "data": {}, "id": "x" * 5000})
            assert (await client.receive_message())["id"] == "x" * 5000

    def test_what_is_no_id_is_not_long(self) -> None:
        assert not any(is_longer(value, 1) for value in (None, 1.5e300, ["long"], True, b"long"))


class TestNames:
    async def test_a_room_of_a_little_too_long_a_name_is_refused_by_that_name(self) -> None:
        name = "x" * 300
        async with TestClient(make()) as client:
            with pytest.raises(RequestError) as caught:
                await client.join(name)
            assert caught.value.code == "unknown_room"
            await client.send({"type": 15, "rooms": [name, "lobby"]})
            assert (await client.receive_message())["rooms"] == [name, "lobby"]

    @pytest.mark.parametrize("kind", [9, 12, 15, 18])
    async def test_names_that_can_be_no_rooms_close(self, kind: int) -> None:
        named = {"room": "x" * 40_000} if kind in (9, 12) else {"rooms": ["x"] * 20_000}
        async with TestClient(make()) as client:
            await client.send({"type": kind, **named})
            assert await client.wait_closed() == (1008, "room names too long")

    async def test_names_are_as_long_as_all_rooms_of_a_connection_may_be(self) -> None:
        names = [f"{number:0>256}" for number in range(Limits().rooms_per_socket)]
        app = make(Settings(policies=Policies(undeclared="open")))
        async with TestClient(app) as client:
            await client.send({"type": 15, "rooms": names})
            assert (await client.receive_message()) == {"type": 16, "rooms": names}
            for half in (names[:64], names[64:]):
                await client.send({"type": 18, "rooms": half})
                assert (await client.receive_message()) == {"type": 19, "rooms": half}
            await client.send({"type": 15, "rooms": [*names, "x"]})
            assert await client.wait_closed() == (1008, "room names too long")

    async def test_there_may_be_no_limit_to_rooms(self) -> None:
        limits = Limits(rooms_per_message=0, rooms_per_socket=0)
        async with TestClient(make(Settings(limits=limits))) as client:
            await client.send({"type": 12, "room": "x" * 100_000})
            assert (await client.receive_message())["type"] == 13

    def test_a_name_is_cut_and_a_number_is_not(self) -> None:
        assert echoed("x" * 1000) == "x" * ECHO
        assert (echoed("x"), echoed(2**63), echoed(None)) == ("x", 2**63, None)


def _json(message: Any) -> str:
    """Write JSON with any integer, which our encoder refuses."""
    return json.dumps(message)
