"""Opening, refusing and closing connections (protocol.md section 9)."""

from typing import Any

import anyio

from bytesocket_app.application import ByteSocket
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import BARRIER, Ended, Refused, Stage
from bytesocket_app.types import CodecName


def _observed() -> tuple[ByteSocket, list[Any], anyio.Event]:
    """Make an application that records opened and closed sockets, and signals the first close."""
    app, seen, closed = ByteSocket(title="Conformance"), list[Any](), anyio.Event()

    @app.lifecycle.open
    async def opened(socket: Socket) -> None:
        seen.append(socket)

    @app.lifecycle.close
    async def ended(code: int, reason: str) -> None:
        seen.append((code, reason))
        closed.set()

    return app, seen, closed


async def _closed_by_the_peer(stage: Stage) -> tuple[int, str]:
    """Return the arguments of the close hook for a peer that closes with 4123 `bye`."""
    app, seen, closed = _observed()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.rest()
        await talker.peer.close(4123, "bye")
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert len(seen) == 2, f"the hooks saw {seen}"
    found: tuple[int, str] = seen[1]
    return found


async def a_peers_close_code_reaches_the_close_hook(stage: Stage) -> None:
    """The code of the peer's close frame is passed to the close hook."""
    code, _ = await _closed_by_the_peer(stage)
    assert code == 4123, f"the hook saw {code}"


async def a_peers_close_reason_reaches_the_close_hook(stage: Stage) -> None:
    """The reason in the peer's close frame is passed to the close hook."""
    _, reason = await _closed_by_the_peer(stage)
    assert reason == "bye", f"the hook saw {reason!r}"


async def a_servers_close_code_reaches_the_peer(stage: Stage) -> None:
    """Code and reason of `socket.close` reach the peer's close frame and the close hook."""
    app, seen, closed = _observed()

    @app.on("go")
    async def go(socket: Socket) -> None:
        await socket.close(4321, "done")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "go"})
        ended, _ = await talker.ends()
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert ended == Ended(4321, "done"), f"the peer saw {ended}"
    assert seen[1:] == [(4321, "done")], f"the hook saw {seen[1:]}"


async def a_final_close_reaches_the_peer(stage: Stage) -> None:
    """A final close of server code reaches the peer as 4400, or as the code it names."""
    app = ByteSocket(title="Conformance")

    @app.on("go")
    async def go(socket: Socket, data: int) -> None:
        await (socket.close(data, "no", final=True) if data else socket.close(final=True))

    async with stage.serve(app) as site:
        for code, expected in ((0, Ended(4400, "closed for good")), (4499, Ended(4499, "no"))):
            async with stage.talker(site) as talker:
                await talker.say({"event": "go", "data": code})
                ended, _ = await talker.ends()
            assert ended == expected, f"the peer saw {ended}"


async def a_long_close_reason_is_cut_at_a_character(stage: Stage) -> None:
    """A reason over 123 bytes is cut at a character boundary, and the close succeeds."""
    app = ByteSocket(title="Conformance")

    @app.on("go")
    async def go(socket: Socket) -> None:
        await socket.close(4000, "é" * 100)

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "go"})
        ended, _ = await talker.ends()
    assert ended == Ended(4000, "é" * 61), f"the peer saw {ended}"


async def a_lost_connection_is_noticed(stage: Stage) -> None:
    """A connection that breaks without a close frame runs the close hook, with 1006 or 1005."""
    app, seen, closed = _observed()
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.rest()
        await talker.peer.abort()
        with anyio.fail_after(stage.deadline):
            await closed.wait()
    assert seen[1][0] in {1005, 1006}, f"the hook saw {seen[1:]}"


async def a_closed_socket_is_forgotten(stage: Stage) -> None:
    """After the close hooks the socket is in no list and in no room."""
    app, _, closed = _observed()
    lobby = app.room("lobby")
    async with stage.serve(app) as site:
        async with stage.talker(site) as talker:
            await talker.join("lobby")
            assert lobby.count() == 1
        with anyio.fail_after(stage.deadline):
            await closed.wait()
            await app.housekeeping.emptied()
        assert (app.sockets(), lobby.count()) == ([], 0), (app.sockets(), lobby.count())


async def another_path_is_refused(stage: Stage) -> None:
    """The whole path must match: `/wsx` and `/ws/deeper` are refused before the upgrade."""
    async with stage.serve(ByteSocket(title="Conformance")) as site:
        for path in ("/wsx", "/ws/deeper"):
            try:
                async with stage.talker(site, path):
                    raise AssertionError(f"{path} was accepted")
            except Refused as refused:
                assert refused.status in {0, 403, 404}, refused


async def a_foreign_origin_is_refused(stage: Stage) -> None:
    """With a list of origins, any other origin gets 403; listed ones and none are accepted."""
    app = ByteSocket(title="Conformance", origins=["https://good.example"])
    async with stage.serve(app) as site:
        for origin in ("https://GOOD.example", ""):
            async with stage.talker(site, headers={"Origin": origin} if origin else {}) as talker:
                await talker.rest()
        for origin in ("https://bad.example", "https://good.example.org", "null"):
            try:
                async with stage.talker(site, headers={"Origin": origin}):
                    raise AssertionError(f"the origin {origin} was accepted")
            except Refused as refused:
                assert refused.status == 403, refused


async def the_handshake_reaches_the_handlers(stage: Stage) -> None:
    """Path, query and headers of the request are the socket's attributes."""
    app, seen, _ = _observed()
    headers = {
        "User-Agent": "conformance",
        "Authorization": "Bearer t",
        "Cookie": "a=1; b=2",
        "X-Forwarded-For": "192.0.2.1",
    }
    async with (
        stage.serve(app) as site,
        stage.talker(site, query="room=a%20b&x=1", headers=headers) as talker,
    ):
        await talker.rest()
    socket: Socket = seen[0]
    found = (socket.url, socket.query, socket.user_agent, socket.authorization)
    assert found == ("/ws", "room=a%20b&x=1", "conformance", "Bearer t"), found
    assert socket.x_forwarded_for == "192.0.2.1", socket.x_forwarded_for
    assert dict(socket.cookies) == {"a": "1", "b": "2"}, dict(socket.cookies)
    assert socket.host, "there is no host"


async def an_offered_codec_is_chosen(stage: Stage) -> None:
    """The server selects the offered subprotocol that names a codec."""
    async with stage.serve(ByteSocket(title="Conformance")) as site, stage.talker(site) as talker:
        assert talker.peer.subprotocol == f"bytesocket.{stage.codec}", talker.peer.subprotocol


async def both_codecs_are_spoken(stage: Stage) -> None:
    """A JSON message in a text frame and a MessagePack one in a binary frame are answered."""
    app = ByteSocket(title="Conformance")
    async with stage.serve(app) as site, stage.talker(site) as talker:
        codecs: tuple[CodecName, ...] = ("json", "binary")
        for codec in codecs:
            await talker.peer.send(app.encode({"type": 12, "room": BARRIER}, codec=codec))
            answer = await talker.hear()
            assert answer["room"] == BARRIER, answer


CASES = (
    a_peers_close_code_reaches_the_close_hook,
    a_peers_close_reason_reaches_the_close_hook,
    a_servers_close_code_reaches_the_peer,
    a_final_close_reaches_the_peer,
    a_long_close_reason_is_cut_at_a_character,
    a_lost_connection_is_noticed,
    a_closed_socket_is_forgotten,
    another_path_is_refused,
    a_foreign_origin_is_refused,
    the_handshake_reaches_the_handlers,
    an_offered_codec_is_chosen,
)
