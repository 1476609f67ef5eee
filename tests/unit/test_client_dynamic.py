"""A client for classes written by hand."""

import anyio
import pytest

from bytesocket_app.client import ClientEvent, ClientSettings, DynamicClient, ServerEvent
from tests.support.scripted_server import Script, ScriptedServer

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
            assert await client.emit(Say(text="c")) == "sent"
            assert await room.emit(Say(text="d")) == "sent"
            server.send({"room": "r:7", "event": "said", "data": {"text": "e"}})
            assert await anext(in_room) == await anext(everywhere) == Said(text="e")
            room.off(Said, note)
            client.off(Said, note)
            server.send({"room": "r:7", "event": "said", "data": {"text": "f"}})
            assert (await anext(everywhere)).text == "f"
    assert heard == ["e", "e"]
    assert room.name == "r:7"
