"""One connection's life, over memory: authentication, answers, heartbeat."""

import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from websockets.frames import Opcode

from bytesocket_app.client.connection import HIGH_WATER, Ending
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.messages import ABSENT
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.session import Session
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import ErrorContext
from bytesocket_app.events import ServerEvent
from bytesocket_app.wire import JSON
from tests.support.conditions import until
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
        self.connection, self.peer, self.ours = memory_connection()
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


class Stuck:
    """A listener that waits until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = anyio.Event()
        self.texts: list[str] = []

    async def __call__(self, event: Posted) -> None:
        await self.go_on.wait()
        self.texts.append(event.text)


async def test_a_full_buffer_pauses_reading_until_an_answer_is_awaited() -> None:
    talk, stuck = Talk(), Stuck()
    talk.listening.listeners.add(Posted, stuck)
    texts = [str(number) for number in range(40)]

    async def story() -> None:
        await anyio.wait_all_tasks_blocked()
        for text in texts:
            await talk.peer.send({"event": "posted", "data": {"text": text}})
        await anyio.wait_all_tasks_blocked()
        assert len(talk.listening.callbacks) == 10
        room = talk.outgoing.join("r")
        await anyio.wait_all_tasks_blocked()
        assert len(talk.listening.callbacks) == len(texts) - 1
        await talk.peer.send({"type": 10, "room": "r"})
        await anyio.wait_all_tasks_blocked()
        assert room.is_joined
        stuck.go_on.set()

    await talk.during(story)
    assert stuck.texts == texts
    assert talk.errors == []


async def test_a_sender_who_waits_for_the_network_has_events_read() -> None:
    """The server may be waiting itself, until its events are read."""
    talk, stuck = Talk(), Stuck()
    talk.listening.listeners.add(Posted, stuck)
    talk.ours.gate = anyio.Event()

    async def story() -> None:
        await anyio.wait_all_tasks_blocked()
        for text in map(str, range(20)):
            await talk.peer.send({"event": "posted", "data": {"text": text}})
        await anyio.wait_all_tasks_blocked()
        assert len(talk.listening.callbacks) == 10
        async with anyio.create_task_group() as tasks:
            talk.connection.send(bytes(HIGH_WATER + 1), is_binary=True)
            tasks.start_soon(talk.connection.drained)
            await anyio.wait_all_tasks_blocked()
            assert len(talk.listening.callbacks) == 19
            assert talk.ours.gate is not None
            talk.ours.gate.set()
        stuck.go_on.set()

    await talk.during(story)
    assert len(stuck.texts) == 20


async def test_a_ping_has_one_more_frame_read_and_no_more() -> None:
    talk, stuck = Talk(ping_interval=0.05, pong_timeout=30), Stuck()
    talk.listening.listeners.add(Posted, stuck)

    async def story() -> None:
        await anyio.wait_all_tasks_blocked()
        for text in map(str, range(40)):
            await talk.peer.send({"event": "posted", "data": {"text": text}})
        for _ in range(3):
            frame = await talk.peer.next()
            assert bytes(frame.data) == b""
        await until(lambda: len(talk.listening.callbacks) > 10)
        assert len(talk.listening.callbacks) < 20
        stuck.go_on.set()

    await talk.during(story)
    assert len(stuck.texts) == 40


@pytest.mark.parametrize("kind", ["event", "reply", "part"])
async def test_whatever_arrives_answers_a_ping(kind: str) -> None:
    talk = Talk(ping_interval=0.1, pong_timeout=1)
    sent: list[int] = []

    async def arrive() -> None:
        if kind == "event":
            await talk.peer.send({"event": "posted", "data": {"text": ""}})
        elif kind == "reply":
            await talk.peer.send({"type": 32, "id": 1})
        elif not sent:
            await talk.peer.say(lambda protocol: protocol.send_text(b'"', fin=False))
        else:
            await talk.peer.say(lambda protocol: protocol.send_continuation(b"x", fin=False))
        sent.append(1)

    async def story() -> None:
        for _ in range(20):  # longer than the server has for an answer
            assert bytes((await talk.peer.next()).data) == b""
            await arrive()
        assert talk.connection.is_open

    await talk.during(story)


async def test_a_final_close_counts_if_it_is_the_servers_own() -> None:
    """The server's crosses ours, which is not final; an answer to ours has its code."""
    for code, is_final in ((4400, True), (4003, False)):
        talk = Talk()

        async def story(talk: Talk = talk, code: int = code) -> None:
            await anyio.wait_all_tasks_blocked()
            talk.connection.close(4003, "Pong timeout")
            await talk.peer.say(lambda protocol: protocol.send_close(code, "out"))
            await anyio.wait_all_tasks_blocked()

        await talk.during(story)
        assert (talk.session.refused is not None) == is_final


async def test_a_listener_that_holds_up_the_loop_does_not_lose_a_server_that_answered() -> None:
    talk = Talk(ping_interval=0.1, pong_timeout=0.3)
    held: list[int] = []

    def hold(_: Posted) -> None:
        held.append(1)
        time.sleep(0.5)  # longer than the server has for an answer

    talk.listening.listeners.add(Posted, hold)

    async def story() -> None:
        while len(held) < 4:
            frame = await talk.peer.next()
            assert (frame.opcode, bytes(frame.data)) == (Opcode.BINARY, b"")
            await talk.peer.send({"event": "posted", "data": {"text": ""}})

    await talk.during(story)
