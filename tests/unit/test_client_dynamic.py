"""A client for classes written by hand."""

from collections.abc import Awaitable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

from bytesocket_app.client import (
    ClientEvent,
    ClientSettings,
    DynamicClient,
    RequestError,
    ServerEvent,
)
from tests.support.scripted_server import Refuse, Script, ScriptedServer

pytestmark = pytest.mark.anyio


class Say(ClientEvent, name="say"):
    text: str


class Said(ServerEvent, name="said"):
    text: str


async def test_every_verb_takes_any_class() -> None:
    script = Script(replies={"say": lambda data: data["text"].upper()})
    settings = ClientSettings(request_timeout=30, close_timeout=1)
    heard: list[str] = []
    with ScriptedServer(script) as server, anyio.fail_after(30):
        async with DynamicClient(server.url, settings=settings) as client:
            room = client.join("r:{number}", number=7)
            in_room, everywhere = room.events(Said), client.events(Said)

            def note(event: Said) -> None:
                heard.append(event.text)

            room.on(Said, note)
            client.on(Said)(note)
            await room.ready
            assert await client.request(Say(text="a"), str) == "A"
            assert await room.request(Say(text="b"), str) == "B"
            without: list[Awaitable[object]] = [client.request(Say(text="x"))]
            without.append(room.request(Say(text="y")))
            assert [await each for each in without] == [None, None]
            assert await client.emit(Say(text="c")) == "sent"
            assert await room.emit(Say(text="d")) == "sent"
            server.send({"room": "r:7", "event": "said", "data": {"text": "e"}})
            assert await anext(in_room) == await anext(everywhere) == Said(text="e")
            while len(heard) < 2:
                await anyio.lowlevel.checkpoint()
            room.off(Said, note)
            client.off(Said, note)
            server.send({"room": "r:7", "event": "said", "data": {"text": "f"}})
            assert (await anext(everywhere)).text == "f"
    assert heard == ["e", "e"]
    assert room.name == "r:7"


class Limit(BaseModel):
    minimum: int


class TooLowError(RequestError, code="too_low"):
    data: Limit


async def test_refusals_are_raised_as_the_classes_that_it_is_given() -> None:
    def low(minimum: object) -> Any:
        return {"error": {"code": "too_low", "message": "", "data": {"minimum": minimum}}}

    def refuse(data: Any) -> Any:
        raise Refuse(low(7 if data["text"] == "number" else "lots"))

    settings = ClientSettings(request_timeout=30, close_timeout=1)
    script = Script(replies={"say": refuse}, refused_rooms={"lobby": low(8)})
    with ScriptedServer(script) as server, anyio.fail_after(30):
        async with DynamicClient(
            server.url, settings=settings, refusals=[TooLowError], codec="json"
        ) as client:
            with pytest.raises(TooLowError) as asked:
                await client.request(Say(text="number"), str)
            with pytest.raises(TooLowError) as joined:
                await client.join("lobby").ready
            with pytest.raises(RequestError) as plain:
                await client.request(Say(text="words"), str)
    assert (asked.value.data.minimum, joined.value.data.minimum) == (7, 8)
    assert (type(plain.value), plain.value.data) == (RequestError, {"minimum": "lots"})
