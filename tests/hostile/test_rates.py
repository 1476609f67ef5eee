"""Who sends more than an application takes is refused, then closed; nobody else waits for it."""

import json
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest

from bytesocket_app import ByteSocket, Handshake, Limits, Settings, Socket
from tests.support.hostile import Attacker, Target, bystanders, request, target
from tests.support.hostile_app import RUNNERS, SERVERS, Echo, Note, make
from tests.support.raw_peer import CLOSE, TEXT, frame

pytestmark = pytest.mark.slow

MESSAGES = 10_000
"""Messages of one flood."""


def _rated() -> ByteSocket:
    """The application with rates that healthy clients do not notice."""
    app = make(
        Settings(
            limits=Limits(
                messages_per_second=200, joins_per_second=50, authentications_per_second=2
            )
        )
    )
    app.room("chat:{number}").relay(Note, rate="20/s", burst=20)

    @app.on(Echo, rate="20/s", burst=20)
    async def also(event: Echo) -> None:
        """Say how often an echo may be asked for."""

    return app


def _knocking() -> ByteSocket:
    app = make(Settings(limits=Limits(authentications_per_second=1)))

    @app.auth
    async def login(handshake: Handshake) -> str:
        return handshake.query

    return app


def _guessing() -> ByteSocket:
    app = make(Settings(limits=Limits(authentications_per_second=1)))

    @app.auth
    async def login(_: Socket, credentials: str) -> str:
        return credentials

    return app


rated = _rated()
guessing = _guessing()
knocking = _knocking()


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each server."""
    with target(request.param, "tests.hostile.test_rates:rated") as served:
        yield served


def flood(peer: Attacker, message: str) -> None:
    """Send a message again and again, as long as the server takes it."""
    batch = frame(TEXT, message.encode()) * 100
    with suppress(OSError):
        for _ in range(MESSAGES // 100):
            peer.send(batch)


def heard(peer: Attacker) -> tuple[list[dict[str, Any]], tuple[int, str]]:
    """Receive all that a server says until it closes."""
    said: list[dict[str, Any]] = []
    while True:
        opcode, payload = peer.receive()
        if opcode == CLOSE:
            return said, (int.from_bytes(payload[:2]), payload[2:].decode())
        if opcode == TEXT:
            said.append(json.loads(payload))


@pytest.mark.parametrize(
    "message",
    [
        '{"event": "echo", "data": {"text": "x"}}',
        '{"event": "echo", "data": {"text": "x"}, "id": 1}',
        '{"event": "echo", "data": {"text": ["not", "valid"]}}',
        '{"event": "note", "data": {"text": "x"}, "room": "chat:1"}',
        '{"event": "note", "data": {"text": "x"}, "rooms": ["chat:1", "chat:2", "pub"]}',
        '{"event": "no such event"}',
        '{"type": 9, "room": "chat:1"}',
        '{"type": 15, "rooms": ["chat:1", "chat:2", "chat:3"]}',
    ],
    ids=["event", "request", "invalid", "room", "rooms", "unknown", "join", "joins"],
)
def test_a_flood_is_refused_and_then_closed(served: Target, message: str) -> None:
    with bystanders(served), served.upgraded() as peer:
        for room in ("chat:1", "chat:2", "pub"):
            peer.say(type=9, room=room)
            assert peer.hear()["type"] == 10
        flood(peer, message)
        said, end = heard(peer)
        assert end == (1008, "rate limited")
        codes = [one["data"]["error"]["code"] for one in said if "error" in str(one.get("data"))]
        assert codes.count("rate_limited") == 100
        assert codes[-1] == "rate_limited"
    assert served.errors() == []


@pytest.mark.parametrize("server", ["hypercorn-asyncio", "picows"])
def test_guesses_from_one_address_are_put_off(server: str) -> None:
    with target(server, "tests.hostile.test_rates:guessing") as served:
        ends: list[int] = []
        while 1013 not in ends and len(ends) < 1000:
            with served.upgraded() as peer:
                peer.say(type=4, data="guess")
                opcode, payload = peer.receive()
                ends.append(int.from_bytes(payload[:2]) if opcode == CLOSE else 0)
        assert ends[:10] == [0] * 10
        assert ends[-1] == 1013
        assert served.is_alive


@pytest.mark.parametrize("server", RUNNERS)
def test_guesses_by_handshake_are_put_off(server: str) -> None:
    with target(server, "tests.hostile.test_rates:knocking") as served:
        answers: list[tuple[int, bytes]] = []
        while 429 not in dict(answers) and len(answers) < 1000:
            with served.connect() as peer:
                peer.send(request("/ws?guess"))
                answers.append(peer.answer())
        assert {status for status, _ in answers[:10]} == {101}
        assert b"\r\nretry-after: 1" in answers[-1][1].lower()
        assert served.is_alive
