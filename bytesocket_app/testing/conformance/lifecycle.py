"""Lifecycle hooks: their order, and the effect of one that fails (protocol.md section 7)."""

from typing import Any

import anyio

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import ErrorContext
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import Refused, Stage
from bytesocket_app.transports import Handshake


def _watched() -> tuple[ByteSocket, list[Any], anyio.Event]:
    """Make an application whose hooks record their calls."""
    app, seen, closed = ByteSocket(title="Conformance"), list[Any](), anyio.Event()

    @app.lifecycle.upgrade
    async def upgrade() -> None:
        seen.append("upgrade")

    @app.lifecycle.open
    async def opened() -> None:
        seen.append("open")

    @app.lifecycle.message
    async def message() -> None:
        seen.append("message")

    @app.lifecycle.error
    async def error(context: ErrorContext) -> None:
        seen.append(str(context.phase))

    @app.lifecycle.close
    async def ended() -> None:
        seen.append("close")
        closed.set()

    return app, seen, closed


async def hooks_run_in_order(stage: Stage) -> None:
    """Without authentication the hooks run as: upgrade, open, message for each frame, close."""
    app, seen, closed = _watched()
    async with stage.serve(app) as site:
        async with stage.talker(site) as talker:
            await talker.say({"event": "unknown"})
            await talker.rest()
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert seen == ["upgrade", "open", "message", "message", "close"], seen


async def an_upgrade_hooks_notes_reach_the_socket(stage: Stage) -> None:
    """The notes of an upgrade hook in `handshake.state` are in that connection's `socket.state`."""
    app = ByteSocket(title="Conformance")

    @app.lifecycle.upgrade
    async def upgrade(handshake: Handshake) -> None:
        handshake.state["query"] = handshake.query

    @app.on("ask")
    async def ask(socket: Socket) -> str:
        found: str = socket.state["query"]
        return found

    async with (
        stage.serve(app) as site,
        stage.talker(site, query="a=1") as one,
        stage.talker(site, query="a=2") as other,
    ):
        for talker, query in ((one, "a=1"), (other, "a=2")):
            await talker.say({"event": "ask", "id": 1})
            await talker.hears({"type": 32, "id": 1, "data": query})


async def a_ping_is_a_message_to_the_hooks(stage: Stage) -> None:
    """The message hook runs for every frame, pings included."""
    app, seen, _ = _watched()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.peer.send(b"")
        await talker.hears(b"")
        await talker.rest()
        assert seen.count("message") == 2, seen


async def the_open_hooks_come_before_the_first_message(stage: Stage) -> None:
    """No message is handled before the open hooks are done."""
    app, release, seen = ByteSocket(title="Conformance"), anyio.Event(), list[str]()

    @app.lifecycle.open
    async def opened() -> None:
        await release.wait()
        seen.append("open")

    @app.on("early")
    async def early() -> None:
        seen.append("early")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "early"})
        await talker.peer.send(b"")
        await talker.hears(b"")
        assert seen == [], seen
        release.set()
        await talker.rest()
    assert seen == ["open", "early"], seen


async def a_failing_hook_is_reported_and_harms_nobody(stage: Stage) -> None:
    """All hooks run although one raises; the first error is reported under its phase."""
    app, seen, _ = _watched()

    @app.lifecycle.open
    async def first() -> None:
        raise ValueError("first")

    @app.lifecycle.open
    async def second() -> None:
        seen.append("second")
        raise ValueError("second")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        assert await talker.rest() == []
        opened = seen[: seen.index("message")]
        assert opened == ["upgrade", "open", "second", "onOpen"], seen


async def a_hook_added_once_runs_once(stage: Stage) -> None:
    """A hook added with `once` runs only the next time; a removed hook runs no more."""
    app, seen = ByteSocket(title="Conformance"), list[str]()

    @app.lifecycle.open.once
    async def once() -> None:
        seen.append("once")

    @app.lifecycle.open
    async def removed() -> None:
        seen.append("removed")

    async with stage.serve(app) as site:
        async with stage.talker(site) as talker:
            await talker.rest()
        app.lifecycle.open.remove(removed)
        async with stage.talker(site) as talker:
            await talker.rest()
    assert seen == ["once", "removed"], seen


async def an_upgrade_hook_can_refuse(stage: Stage) -> None:
    """An upgrade hook that raises refuses the handshake and is reported."""
    app, seen, _ = _watched()

    @app.lifecycle.upgrade
    async def refuse() -> None:
        raise ValueError("no")

    async with stage.serve(app) as site:
        try:
            async with stage.talker(site):
                raise AssertionError("the handshake was accepted")
        except Refused:
            pass
    assert seen == ["upgrade", "onUpgrade"], seen


async def malformed_messages_are_reported(stage: Stage) -> None:
    """A frame that cannot be read is reported with its phase before the connection closes."""
    app, seen, closed = _watched()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.peer.send("{")
        await talker.ends()
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert seen == ["upgrade", "open", "message", "decode", "close"], seen


async def the_close_hook_still_sees_the_rooms(stage: Stage) -> None:
    """`socket.rooms.list()` gives a close hook the rooms that the socket was in at the end."""
    app, seen, closed = ByteSocket(title="Conformance"), list[list[str]](), anyio.Event()
    app.room("lobby")

    @app.lifecycle.close
    async def ended(socket: Socket) -> None:
        seen.append(socket.rooms.list())
        closed.set()

    async with stage.serve(app) as site:
        async with stage.talker(site) as talker:
            await talker.join("lobby")
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert seen == [["lobby"]], seen


CASES = (
    hooks_run_in_order,
    an_upgrade_hooks_notes_reach_the_socket,
    a_ping_is_a_message_to_the_hooks,
    the_open_hooks_come_before_the_first_message,
    a_failing_hook_is_reported_and_harms_nobody,
    a_hook_added_once_runs_once,
    an_upgrade_hook_can_refuse,
    malformed_messages_are_reported,
    the_close_hook_still_sees_the_rooms,
)
