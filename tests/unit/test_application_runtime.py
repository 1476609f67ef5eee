"""The application at work: what server code reaches without a socket in its hand."""

from typing import Any

import pytest
from anyio import create_task_group

from bytesocket_app import ByteSocket, Limits, Settings, UndeclaredEvent
from bytesocket_app.errors import DecodeError
from bytesocket_app.testing import TestClient
from tests.support.asgi import Call, socket_scope
from tests.support.talk import Said, Say, Wave, talk

pytestmark = pytest.mark.anyio


async def frame(client: TestClient) -> tuple[bool, bytes]:
    found = await client._transport.take()  # pyright: ignore[reportPrivateUsage]
    assert found is not None
    return found.is_binary, found.payload


class TestEmitting:
    async def test_a_broadcast_reaches_everybody_in_their_codec_or_in_one(self) -> None:
        app = talk()
        async with TestClient(app) as a, TestClient(app, codec="binary") as b:
            await app.broadcast(Said(text="x"))
            assert await frame(a) == (False, b'{"event":"said","data":{"text":"x"}}')
            assert (await frame(b))[0] is True
            await app.broadcast(Said(text="x"), codec="json")
            assert await frame(a) == await frame(b)

    async def test_by_name_all_members_are_reached(self) -> None:
        app = talk()
        for name in ("a", "b", "nobody"):
            app.room(name)
        async with TestClient(app) as client, TestClient(app):
            await client.join("a")
            await client.join("b")
            await app.rooms.emit("a", Said(text="one"))
            assert await client.receive_message() == {
                "room": "a",
                "event": "said",
                "data": {"text": "one"},
            }
            await app.rooms.bulk.emit(["a", "b"], Said(text="both"), codec="json")
            assert (await client.receive_message())["rooms"] == ["a", "b"]
            await app.rooms.emit("nobody", Said(text="x"))

    async def test_a_ready_frame_goes_out_as_it_is(self) -> None:
        app = talk()
        app.room("a")
        async with TestClient(app, codec="binary") as client:
            await client.join("a")
            for codec in ("json", "binary"):
                ready = app.encode({"event": "said", "data": 1}, codec=codec)
                await app.rooms.publish_raw("a", ready)
                assert await client.receive_message() == {"event": "said", "data": 1}

    async def test_what_is_not_declared_cannot_be_emitted(self) -> None:
        app = ByteSocket(title="T")
        with pytest.raises(UndeclaredEvent):
            await app.broadcast(Said(text="x"))
        with pytest.raises(UndeclaredEvent):
            await talk().broadcast(Say(text="x"))  # type: ignore[arg-type]


class TestFrames:
    @pytest.mark.parametrize("codec", ["json", "binary", None])
    def test_what_is_encoded_can_be_decoded(self, codec: Any) -> None:
        app = talk()
        message = {"event": "wave", "data": {"hand": "right"}}
        for given in (message, Wave(hand="right")):
            ready = app.encode(given, codec=codec)
            assert isinstance(ready, str) is (codec == "json")
            assert app.decode(ready) == message

    def test_the_opcode_can_be_told_apart_from_the_type(self) -> None:
        assert talk().decode(b'{"a":1}', is_binary=False) == {"a": 1}

    def test_decoding_keeps_the_limit_of_depth(self) -> None:
        deep = "[" * 65 + "]" * 65
        with pytest.raises(DecodeError):
            talk().decode(deep)
        assert talk(Settings(limits=Limits(depth=0))).decode(deep)


async def test_the_sockets_are_listed_authenticated_or_not() -> None:
    app = talk()

    @app.auth
    async def auth(credentials: str) -> str:
        return credentials

    async with TestClient(app), TestClient(app, "Ada"):
        assert sorted(str(socket.user) for socket in app.sockets()) == ["Ada", "None"]
        assert repr(app) == "<ByteSocket 'Talk' at /ws, 2 sockets>"
    assert app.sockets() == []


async def test_drained_it_refuses_and_says_so_over_asgi() -> None:
    app = talk()
    call = Call(app, socket_scope())
    call.tell("websocket.connect")
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        tasks.start_soon(app.drain, 5)
        close = await call.said("close")
        assert (close["code"], close["reason"]) == (1012, "server restart")
        call.tell("websocket.disconnect", code=1012)
    assert app.endpoint.draining
    late = Call(app, socket_scope())
    late.tell("websocket.connect")
    await late.run()
    assert late.sent[0]["status"] == 503


async def test_two_applications_share_nothing() -> None:
    one, other = talk(), talk(path="/other")
    async with TestClient(one) as client, TestClient(other) as stranger:
        await one.broadcast(Said(text="x"))
        await client.receive(Said)
        await other.broadcast(Said(text="y"))
        assert (await stranger.receive(Said)).text == "y"
