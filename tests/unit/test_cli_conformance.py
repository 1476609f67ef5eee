"""`conformance`: a server is tried by its address alone."""

from pathlib import Path

import pytest

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


def test_nobody_there_fails_every_case(run: CommandLine) -> None:
    outcome = run("conformance", "ws://127.0.0.1:9/ws", "--timeout", "1")
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "0 passed, 12 failed"


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
