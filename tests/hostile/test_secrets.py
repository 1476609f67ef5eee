"""A thousand random tokens, wherever peers can put one: none of them is in any output."""

import io
import json
import logging
import re
import secrets
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import Any

import anyio
import pytest

from bytesocket_app.client import DynamicClient
from bytesocket_app.client.reconnector import ClientState
from bytesocket_app.errors import Disconnected
from bytesocket_app.logs import SWITCH, restraint
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.wire import BINARY
from tests.support.hostile import DEADLINE, Attacker, Target, request, target
from tests.support.hostile_app import SERVERS
from tests.support.raw_peer import CLOSE, PING, TEXT, frame
from tests.support.secret_app import MODES, app

pytestmark = pytest.mark.slow

COUNT = 1000
APP = "tests.support.secret_app:app"

MESSAGES: list[Callable[[str], Any]] = [
    *(
        lambda t, m=mode, e=event: {"event": e, "data": {"mode": m, "token": t}, "id": 1}
        for mode in MODES
        for event in ("act", "beside", "thread", "needy")
    ),
    *(
        lambda t, m=mode: {"event": "act", "data": {"middleware": m, "mode": "fine", "token": t}}
        for mode in MODES
    ),
    *(lambda t, m=mode: {"type": 9, "room": f"guarded:{m}:{t}"} for mode in (*MODES, "joined")),
    lambda t: {"event": "needy", "data": {"mode": "clean", "token": t}},
    lambda t: {"event": "reply", "data": {"token": t}, "id": 1},
    lambda t: {"event": "strict", "data": {"numbers": [t]}, "id": 1},
    lambda t: {"event": "strict", "data": {"numbers": [1], "by_name": {t: t}}, "id": t},
    lambda t: {"event": "strict", "data": {"numbers": [0], "by_name": {t: 1}}},
    lambda t: {"event": "strict", "data": t, "id": 1},
    lambda t: {"event": "act", "data": [t]},
    lambda t: {"event": "note", "data": {"mode": "fine", "token": t}, "room": "lobby"},
    lambda t: {"event": "nothing", "data": {"token": t}, "id": t},
    lambda t: {"event": "act", "room": "lobby", "data": {"mode": "fine", "token": t}, "id": 1},
    lambda t: {"event": "act", "rooms": ["lobby", "x"], "data": {"mode": "crash", "token": t}},
    lambda t: {"type": 3, "data": {"token": t}},
    lambda t: {t: t},
    lambda t: [t],
]
"""Messages of an authenticated peer, after which the connection is still there."""

ENDS: list[Callable[[str], bytes]] = [
    lambda t: frame(TEXT, b'{"event": "act", "data": {"mode": "fine", "token": "' + t.encode()),
    lambda t: frame(TEXT, f'"{t}"'.encode()),
    lambda t: frame(TEXT, b"\xff" + t.encode()),
    lambda t: frame(2, b"\xc1" + t.encode()),
    lambda t: frame(2, BINARY.encode({"event": t, "data": {t: t}})[:-2]),
    lambda t: frame(TEXT, t.encode(), rsv=7),
    lambda t: frame(TEXT, t.encode(), masked=False),
    lambda t: frame(3, t.encode()),
    lambda t: frame(PING, t.encode(), fin=False),
    lambda t: frame(CLOSE, b"\x0f\xa0" + t.encode()),
    lambda t: frame(CLOSE, b"\x03\xed" + t.encode()),
    lambda t: frame(TEXT, json.dumps({"event": "act", "data": {}, "id": t * 20}).encode()),
    lambda t: frame(TEXT, json.dumps({"event": "act", "room": t, "rooms": [t]}).encode()),
    lambda t: frame(TEXT, json.dumps({"type": 9, "room": t * 3000}).encode()),
    lambda t: frame(TEXT, (f'{{"event": "act", "data": "{t * 70_000}"}}').encode()),
    lambda t: f"{t}\r\n\r\n".encode(),
]
"""Last words of a peer, after which the server closes."""

QUERIES = [
    *("", "open=crash", "close=crash", "message=crash"),
    *("upgrade=refusal", "upgrade=crash", "upgrade=pydantic", "upgrade=base"),
]

LOGINS: list[Callable[[str], Any]] = [
    *(lambda t, m=mode: {"mode": m, "token": t} for mode in (*MODES, "denied")),
    lambda t: t,
    lambda t: {t: t},
    lambda t: {"mode": [t], "token": {t: t}},
]

REQUESTS: list[Callable[[str], bytes]] = [
    lambda t: request(f"/ws?token={t}", Origin=f"https://x.example/?token={t}"),
    lambda t: request(f"/nowhere?token={t}", Authorization=f"Bearer {t}"),
    lambda t: request(f"/ws?contract={t}", Cookie=f"session={t}"),
    lambda t: request(f"/ws?token={t}", Sec_WebSocket_Key=t),
    lambda t: request(f"/ws?token={t}", Sec_WebSocket_Version="9"),
    lambda t: request(f"/ws?token={t}", Sec_WebSocket_Protocol=t),
    lambda t: request(f"/ws?token={t}", Upgrade="", Connection="", Cookie=f"a={t}"),
    lambda t: f"GET /ws?{t}\r\n\r\n".encode(),
    lambda t: f"POST /ws?{t} HTTP/1.1\r\nHost: x\r\nContent-Length: {t}\r\n\r\n{t}".encode(),
    lambda t: f"GET /ws?{t} HTTP/1.1\r\nX-{t}\r\n\r\n".encode(),
    lambda t: f"\x16\x03\x01{t}\r\n\r\n".encode("latin-1"),
    lambda t: request(f"/ws?token={t}", X_Token="é\x01" + t),
]


class Tokens:
    """Random tokens, and a search for all that were taken."""

    def __init__(self) -> None:
        self._taken: list[str] = []

    def take(self) -> str:
        self._taken.append(secrets.token_hex(12))
        return self._taken[-1]

    def __len__(self) -> int:
        return len(self._taken)

    def found_in(self, output: str) -> list[str]:
        """The lines with tokens; all tokens have one form, so one look finds what may be some."""
        known = set(self._taken)
        return [
            line
            for line in output.splitlines()
            if any(
                token[at : at + 24] in known
                for token in re.findall("[0-9a-f]{24,}", line)
                for at in range(len(token) - 23)
            )
        ]


def opened(served: Target, tokens: Tokens, query: str = "") -> Attacker | None:
    """Open a socket with tokens in the query, a header and a cookie; None if it is refused."""
    peer = served.connect()
    path = f"/ws?token={tokens.take()}&{query}"
    headers = {"Authorization": f"Bearer {tokens.take()}", "Cookie": f"session={tokens.take()}"}
    peer.send(request(path, **headers))
    if peer.answer()[0] == 101:
        return peer
    peer.close()
    return None


def said(peer: Attacker, message: Any) -> None:
    peer.send(frame(TEXT, json.dumps(message).encode()))


def logged_in(served: Target, tokens: Tokens, query: str = "") -> Attacker | None:
    peer = opened(served, tokens, query)
    if peer is not None:
        peer.say(type=4, data={"mode": "fine", "token": tokens.take()})
        assert peer.hear() == {"type": 5}
    return peer


def speak(served: Target, tokens: Tokens, query: str = "") -> None:
    """Send each message, and wait until all are handled."""
    peer = logged_in(served, tokens, query)
    if peer is None:
        return
    with peer:
        for message in MESSAGES:
            said(peer, message(tokens.take()))
        peer.say(event="act", data={"mode": "fine", "token": tokens.take()}, id="end")
        with suppress(ConnectionError):
            while peer.hear().get("id") != "end":
                pass
        peer.send(frame(CLOSE, b"\x0f\xa0" + tokens.take().encode()))
        peer.gone()


def leave(peer: Attacker) -> None:
    """Send nothing more, and hear what the server has to say, but not for long.

    Some servers wait for the rest of what is no message; nothing here depends on their answer.
    """
    peer.socket.shutdown(socket.SHUT_WR)
    peer.socket.settimeout(1)
    peer.gone()


def end(served: Target, tokens: Tokens) -> None:
    """End connections in each way."""
    for last in ENDS:
        for open_one in (opened, logged_in):
            peer = open_one(served, tokens)
            assert peer is not None
            with peer, suppress(OSError):
                peer.send(last(tokens.take()))
                peer.send(frame(CLOSE, b"\x03\xe8"))
                leave(peer)


def knock(served: Target, tokens: Tokens) -> None:
    """Send each request, good and bad, and each kind of credentials."""
    for wanted in REQUESTS:
        with served.connect() as peer, suppress(OSError):
            peer.send(wanted(tokens.take()))
            leave(peer)
    for credentials in LOGINS:
        guest = opened(served, tokens)
        assert guest is not None
        with guest as peer, suppress(OSError):
            peer.say(type=4, data=credentials(tokens.take()))
            peer.hear()
            leave(peer)
    for query in QUERIES:
        for _ in range(3):
            guest = opened(served, tokens, query)
            if guest is not None:
                guest.close()


def attack(served: Target) -> Tokens:
    """Send a thousand tokens and more in all ways."""
    tokens = Tokens()
    for query in chain(QUERIES[:4], repeat("")):
        speak(served, tokens, query)
        if len(tokens) > COUNT // 2:
            break
    while len(tokens) < COUNT:
        end(served, tokens)
        knock(served, tokens)
    return tokens


def output_of(served: Target) -> str:
    """End the server, and return all that it has written."""
    served.process.terminate()
    written, _ = served.process.communicate(timeout=30)
    return served.log() + written


@pytest.mark.parametrize("kind", SERVERS)
def test_no_server_logs_a_token(kind: str) -> None:
    with target(kind, APP) as served:
        tokens = attack(served)
        assert served.is_alive
        output = output_of(served)
    assert len(tokens) >= COUNT
    assert tokens.found_in(output) == []
    assert "DEBUG bytesocket " in output, "the search was to be through all levels"
    for line in ("handler ", "hook ", "guard of ", "authentication refused", "of user 'ann'>"):
        assert line in output, output[-4000:]
    assert "in fail\n" in output, "tracebacks are there"


def test_the_search_finds_what_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    with target("picows", APP) as served:
        tokens = Tokens()
        speak(served, tokens)
        output = output_of(served)
    assert len(tokens.found_in(output)) > 10


@contextmanager
def listening(capture: pytest.CaptureFixture[str]) -> Generator[Callable[[], str]]:
    """Log everything of this process as a plain set-up would; yields all that was written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    def written() -> str:
        captured = capture.readouterr()
        return stream.getvalue() + captured.out + captured.err

    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@pytest.fixture(autouse=True)
def _as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restraint, "shows_texts", False)


@pytest.mark.anyio
async def test_the_test_client_logs_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = Tokens()
    with listening(capsys) as written:
        for query in ("", *QUERIES[4:]):
            headers = {"authorization": tokens.take(), "cookie": f"session={tokens.take()}"}
            whole = f"token={tokens.take()}&{query}"
            with suppress(RequestError, Disconnected):
                credentials = {"mode": "fine", "token": tokens.take()}
                async with TestClient(app, credentials, headers=headers, query=whole) as client:
                    for message in MESSAGES:
                        await client.send(message(tokens.take()))
                    end = {"mode": "fine", "token": tokens.take()}
                    await client.send({"event": "act", "data": end, "id": "end"})
                    while (await client.receive_message()).get("id") != "end":
                        pass
        for login in LOGINS:
            with suppress(RequestError, Disconnected):
                async with TestClient(app, login(tokens.take())):
                    pass
        output = written()
    assert tokens.found_in(output) == []
    assert "DEBUG bytesocket " in output


def addresses(port: int, tokens: Tokens) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """URLs, credentials and headers for a client, with tokens everywhere."""
    for path in ("/ws", "/nowhere"):
        for at in (port, 1):
            for mode in ("fine", "denied", "crash"):
                token = tokens.take()
                url = f"ws://127.0.0.1:{at}{path}?token={tokens.take()}"
                headers = {"Authorization": tokens.take(), "Cookie": f"a={tokens.take()}"}
                yield url, {"mode": mode, "token": token}, headers


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_client_logs_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = Tokens()
    with target("picows", APP) as served, listening(capsys) as written:
        for url, credentials, headers in addresses(served.port, tokens):
            tried = anyio.Event()
            client = DynamicClient(url, auth=credentials, headers=headers)

            @client.on_state
            async def entered(state: ClientState, tried: anyio.Event = tried) -> None:
                if state != "connecting":
                    tried.set()

            async with client:
                with anyio.fail_after(DEADLINE):
                    await tried.wait()
        output = written()
    assert tokens.found_in(output) == []
    assert "bytesocket.client" in output
