"""`conformance`: a server is tried by its address alone."""

from pathlib import Path

import pytest

from bytesocket_app.testing.conformance import RunningServer
from tests.support.command_line import CommandLine
from tests.support.server_process import APP, serving

GUARDED = (
    APP
    + """

@app.auth
async def authenticate(credentials: str) -> str:
    from bytesocket_app import AuthError
    if credentials != "good":
        raise AuthError("no")
    return credentials
"""
)


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.mark.slow
def test_a_running_server_passes(run: CommandLine) -> None:
    run.write("app.py", APP)
    with serving("dev", "--port", "0", "--no-reload", cwd=run.folder) as server:
        outcome = run("conformance", f"ws://127.0.0.1:{server.port}/ws")
    assert outcome.out.splitlines()[-1] == "12 passed, 0 failed"
    assert "passed  rooms/every_join_is_answered [binary]" in outcome.out
    assert outcome.code == 0


@pytest.mark.slow
def test_credentials_open_a_guarded_server(run: CommandLine) -> None:
    run.write("app.py", GUARDED)
    with serving("dev", "--port", "0", "--no-reload", cwd=run.folder) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        assert run("conformance", url, "--credentials", '"good"').code == 0
        refused = run("conformance", url, "--credentials", '"bad"')
    assert refused.code == 1
    assert "failed  rooms/every_join_is_answered [json]: Refused:" in refused.out
    assert refused.err == "error: 12 failed\n"


def test_nobody_there_is_one_line(run: CommandLine) -> None:
    outcome = run("conformance", "ws://127.0.0.1:9/ws", "--timeout", "1")
    assert outcome.code == 2
    assert not outcome.out
    assert outcome.err.startswith("error: cannot connect to 127.0.0.1:9: ")
    assert outcome.err.endswith(": is the server running there?\n")
    assert len(outcome.err.splitlines()) == 1


def test_a_server_without_an_answer_is_one_line(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(RunningServer, "connect", connect)
    outcome = run("conformance", "ws://127.0.0.1:9/ws")
    assert outcome.code == 2
    assert outcome.err == "error: cannot connect to ws://127.0.0.1:9/ws: no answer in time\n"


ECHO = """\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def echo(socket: WebSocket) -> None:
    await socket.accept(subprotocol=(socket.scope["subprotocols"] or [None])[0])
    while True:
        await socket.send_text(await socket.receive_text())
"""


@pytest.mark.slow
def test_another_server_is_told_what_was_sent_and_expected(run: CommandLine) -> None:
    run.write("app.py", ECHO)
    with serving("run", "app:app", "--port", "0", cwd=run.folder) as server:
        url = f"ws://127.0.0.1:{server.port}"
        tried = run("conformance", f"{url}/ws", "--timeout", "1")
        elsewhere = run("conformance", f"{url}/nowhere")
    assert tried.code == 1
    lines = tried.out.splitlines()
    at = next(i for i, line in enumerate(lines) if "rooms/every_join_is_answered" in line)
    assert lines[at + 1].startswith("  expected: A request to join or leave is answered")
    assert lines[at + 2] == "  > {'type': 9, 'room': 'conformance:barrier'}"
    assert (elsewhere.code, elsewhere.out) == (2, "")
    assert "the handshake was refused with 40" in elsewhere.err
    assert len(elsewhere.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["http://127.0.0.1/ws"], "is no address of a socket: write ws://HOST:PORT/PATH."),
        (["ws://127.0.0.1/ws", "--credentials", "{"], "--credentials is no JSON"),
    ],
)
def test_a_bad_argument_is_named(run: CommandLine, arguments: list[str], message: str) -> None:
    outcome = run("conformance", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
