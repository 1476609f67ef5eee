"""One connection's life, over memory: authentication, answers, heartbeat."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from websockets.frames import Opcode

from bytesocket_app.client.connection import Ending
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.messages import ABSENT
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.session import Session
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import ErrorContext
from bytesocket_app.events import ServerEvent
from bytesocket_app.wire import JSON
from tests.support.memory_socket import memory_connection

pytestmark = pytest.mark.anyio


class Posted(ServerEvent, name="posted"):
    text: str


class Talk:
    """A session and everything around it."""

    def __init__(
        self, credentials: Any = ABSENT, outgoing: Outgoing | None = None, **settings: Any
    ) -> None:
        self.outgoing = outgoing or Outgoing(JSON, ClientSettings(**settings))
        self.listening = ListeningSide(10)
        self.errors: list[ErrorContext] = []
        self.opened: list[int] = []
        self.ending: Ending | None = None
        self.connection, self.peer, _ = memory_connection()
        self.session = Session(
            self.connection,
            self.outgoing,
            self.listening,
            credentials,
            lambda: self.opened.append(1),
        )
        self.listening.on_error(self.errors.append)

    async def __call__(self) -> None:
        self.ending = await self.session.run()

    async def during(self, story: Callable[[], Any]) -> None:
        """Run the session while the story is told; then lose the connection."""
        with anyio.fail_after(30):
            async with anyio.create_task_group() as outer:
                outer.start_soon(self.listening.callbacks.run)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self)
                    await story()
                    await anyio.wait_all_tasks_blocked()
                    await self.peer.stream.aclose()
                await self.listening.callbacks.idle()
                outer.cancel_scope.cancel()


async def test_without_credentials_it_is_open_at_once() -> None:
    talk = Talk()
    talk.outgoing.join("r")

    async def story() -> None:
        assert await talk.peer.message() == {"type": 9, "room": "r"}

    await talk.during(story)
    assert talk.opened == [1]
    assert talk.ending == Ending(1006, "")
    assert talk.outgoing.connection is None


async def test_credentials_come_first_and_a_second_acceptance_means_nothing() -> None:
    talk = Talk({"token": 1})
    talk.outgoing.join("r")

    async def story() -> None:
        assert await talk.peer.message() == {"type": 4, "data": {"token": 1}}
        assert talk.opened == []
        await talk.peer.send({"type": 5})
        assert await talk.peer.message() == {"type": 9, "room": "r"}
        await talk.peer.send({"type": 5})

    await talk.during(story)
    assert talk.opened == [1]
    assert talk.session.opened_at is not None


async def test_type_6_ends_it_whenever_it_comes() -> None:
    talk = Talk()

    async def story() -> None:
        await anyio.wait_all_tasks_blocked()
        await talk.peer.send({"type": 6, "data": {"error": {"code": "banned", "message": "out"}}})
        assert (await talk.peer.next()).opcode is Opcode.CLOSE

    await talk.during(story)
    assert talk.session.refused is not None
    assert talk.session.refused.code == "banned"
    assert talk.ending is not None
    assert talk.ending.code == 4001


async def test_unanswered_credentials_close_it() -> None:
    talk = Talk("token", auth_timeout=0.01)

    async def story() -> None:
        await talk.peer.message()
        frame = await talk.peer.next()
        assert frame.opcode is Opcode.CLOSE

    await talk.during(story)
    assert talk.ending == Ending(4002, "Auth timeout")


async def test_nought_waits_for_ever_for_the_acceptance() -> None:
    talk = Talk("token", auth_timeout=0)

    async def story() -> None:
        await talk.peer.message()
        await anyio.wait_all_tasks_blocked()
        assert talk.connection.is_open

    await talk.during(story)
    assert talk.opened == []


async def test_pings_are_sent_and_missed_pongs_end_it() -> None:
    talk = Talk(ping_interval=0.01, pong_timeout=0.5)

    async def story() -> None:
        for _ in range(3):
            frame = await talk.peer.next()
            assert (frame.opcode, bytes(frame.data)) == (Opcode.BINARY, b"")
            await talk.peer.pong()
        while (await talk.peer.next()).opcode is Opcode.BINARY:
            pass

    await talk.during(story)
    assert talk.ending == Ending(4003, "Pong timeout")


async def test_a_pong_before_the_opening_is_nothing() -> None:
    talk = Talk("token")

    async def story() -> None:
        await talk.peer.message()
        await talk.peer.pong()

    await talk.during(story)
    assert talk.errors == []


async def test_answers_find_rooms_and_errors_find_the_hooks() -> None:
    talk = Talk()
    room = talk.outgoing.join("r")
    bulk = [talk.outgoing.join(name) for name in "ab"]

    async def story() -> None:
        await talk.peer.message()
        await talk.peer.send({"type": 11, "room": "r", "data": {"error": "no"}})
        await talk.peer.send({"type": 16, "rooms": ["a", "b", "unknown"]})
        await talk.peer.send({"type": 3, "data": "hm"})
        await talk.peer.send({"type": 25})
        await talk.peer.say(lambda protocol: protocol.send_text(b"{"))
        await anyio.wait_all_tasks_blocked()
        assert [member.is_joined for member in bulk] == [True, True]

    await talk.during(story)
    assert room.error is not None
    assert [error.phase.value for error in talk.errors] == ["handler", "handler", "decode"]


async def test_events_reach_the_listeners() -> None:
    talk = Talk()
    stream = talk.listening.listeners.stream(Posted, 5)

    async def story() -> None:
        await talk.peer.send({"event": "posted", "data": {"text": "hi"}})
        assert await anext(stream) == Posted(text="hi")

    await talk.during(story)
