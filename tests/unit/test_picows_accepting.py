"""Accepting connections, also when there is no room for them."""

import asyncio
import errno
import logging
import socket
import ssl
from contextlib import nullcontext
from typing import Any

import anyio
import pytest
from typing_extensions import override

from bytesocket_app.transports.picows import accepting
from bytesocket_app.transports.picows.accepting import Acceptor
from bytesocket_app.transports.picows.server import listening
from bytesocket_app.transports.picows.server_state import ServerState
from tests.support.talk import until

DEADLINE = 30.0


class Full(socket.socket):
    """A listener whose process has no file descriptors left, for so many times."""

    failures: list[int]

    @override
    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            raise OSError(self.failures.pop(), "no room")
        return super().accept()


async def taken(*failures: int) -> None:
    """Have one connection accepted after so many failures, in order."""
    came = asyncio.Event()
    connections: list[socket.socket] = []

    def accepted(connection: socket.socket) -> None:
        connections.append(connection)
        came.set()

    with Full() as listener:
        listener.failures = [*failures]
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        acceptor = Acceptor(listener, accepted)
        try:
            with socket.create_connection(listener.getsockname(), DEADLINE):
                async with asyncio.timeout(DEADLINE):
                    await came.wait()
        finally:
            acceptor.stop()
        assert listener.fileno() == -1
    assert [connection.gettimeout() for connection in connections] == [0]
    connections[0].close()


def test_a_connection_is_taken_and_never_blocks() -> None:
    asyncio.run(taken())


def test_without_room_it_tries_again_and_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "PAUSE", 0.01)
    asyncio.run(taken(errno.EMFILE, errno.ENFILE))
    assert len(caplog.messages) == 2
    assert "no room for another connection" in caplog.messages[0]


def test_a_connection_that_left_before_it_was_taken_is_nobodys_trouble() -> None:
    asyncio.run(taken(errno.ECONNABORTED))


def test_it_can_be_stopped_while_it_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "PAUSE", DEADLINE)

    async def stop() -> None:
        with Full() as listener:
            listener.failures = [errno.EMFILE]
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            acceptor = Acceptor(listener, lambda _: None)
            with socket.create_connection(listener.getsockname(), DEADLINE):
                await until(lambda: not listener.failures)
            acceptor.stop()

    asyncio.run(stop())


@pytest.mark.parametrize("own", [True, False], ids=["own-handler", "default-handler"])
def test_a_peer_that_leaves_during_its_tls_handshake_is_no_error(
    caplog: pytest.LogCaptureFixture,
    own: bool,
) -> None:
    told: list[str] = []

    async def probe() -> None:
        loop = asyncio.get_running_loop()
        if own:
            loop.set_exception_handler(lambda _, context: told.append(context["message"]))
        before = loop.get_exception_handler()
        listener = socket.create_server(("127.0.0.1", 0))
        place = listener.getsockname()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        async with listening(ServerState([], nullcontext), listener, tls):
            with socket.create_connection(place, DEADLINE):
                pass
            await until(lambda: "failed before its request" in caplog.text)
            loop.call_exception_handler({"message": "something else"})
        assert loop.get_exception_handler() is before

    with caplog.at_level(logging.DEBUG, "bytesocket"):
        anyio.run(probe)
    errors = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert [*told, *errors] == ["something else"]
