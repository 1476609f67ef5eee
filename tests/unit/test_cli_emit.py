"""`emit`: an event is checked, sent by the broker, and what became of it is said."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.support.brokers import running_broker
from tests.support.command_line import CommandLine
from tests.support.ports import reserved_port

APP = """\
from bytesocket_app import ByteSocket, ClientEvent, ServerEvent, Socket


class Post(ClientEvent, name="chat:post"):
    text: str


class Posted(ServerEvent, name="chat:posted"):
    author: str
    text: str


app = ByteSocket(title="Talk", events=[Post, Posted])
ticked = app.declare("ticked", int, direction="server")
numbered = app.declare(7, int, direction="server")
app.room("lobby")
doc = app.room("doc:{doc_id}")


@doc.on_join
async def joined(socket: Socket, doc_id: int) -> None: ...
"""

POSTED = '{"author": "cron", "text": "hi"}'
NOBODY = "--engine=memory://nobody"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    return made


@pytest.fixture
def contract(run: CommandLine) -> str:
    """A saved contract of the application."""
    assert run("generate", "contract", "-o", "contract.json", "app.py").code == 0
    return "contract.json"


@pytest.mark.parametrize("is_saved", [False, True])
@pytest.mark.parametrize(
    ("arguments", "whom"),
    [
        (["--room", "lobby"], "room lobby"),
        (["--room", "doc:7", "--room", "lobby"], "rooms doc:7, lobby"),
        (["--user", "ann"], "user ann"),
        (["--user", "7"], "user 7"),
        (["--all"], "everybody"),
    ],
)
def test_an_event_that_fits_is_sent_and_said(
    run: CommandLine, contract: str, arguments: list[str], whom: str, *, is_saved: bool
) -> None:
    target = contract if is_saved else "app.py"
    done = run("emit", "chat:posted", POSTED, target, *arguments, NOBODY)
    assert (done.code, done.out) == (0, f"memory://nobody has chat:posted for {whom}\n")
    assert "no process of 'Talk' answered" in done.err


@pytest.mark.parametrize("is_saved", [False, True])
@pytest.mark.parametrize(("event", "data"), [("ticked", "1"), ("7", "1")])
def test_an_event_of_any_name_and_payload_is_sent(
    run: CommandLine, contract: str, event: str, data: str, *, is_saved: bool
) -> None:
    target = contract if is_saved else "app.py"
    assert run("emit", event, data, target, "--all", NOBODY).code == 0


@pytest.mark.parametrize("is_saved", [False, True])
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["chat:postd", POSTED, "--all"], 2, "no event 'chat:postd'. Did you mean 'chat:posted'?"),
        (["chat:post", POSTED, "--all"], 2, "is sent by clients, not by the server"),
        (["chat:posted", POSTED, "--room", "loby"], 2, "no room 'loby'. Did you mean 'lobby'?"),
        (["chat:posted", '{"text": "hi"}', "--all"], 1, "    author: Field required"),
        (["chat:posted", '{"text": ', "--all"], 2, "the payload is no JSON"),
        (["ticked", '"x"', "--all"], 1, "the payload: Input should be a valid integer"),
        (["chat:posted", POSTED], 2, "to whom?"),
        (["chat:posted", POSTED, "--all", "--user", "ann"], 2, "to whom?"),
    ],
)
def test_what_does_not_fit_is_said_and_not_sent(
    run: CommandLine, contract: str, arguments: list[str], code: int, says: str, *, is_saved: bool
) -> None:
    event, data, *whom = arguments
    target = contract if is_saved else "app.py"
    done = run("emit", event, data, target, *whom, NOBODY)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_a_parameter_of_a_rooms_name_is_checked_by_the_application(run: CommandLine) -> None:
    done = run("emit", "chat:posted", POSTED, "app.py", "--room", "doc:07", NOBODY)
    assert done.code == 2
    assert "The room's name is 'doc:7'" in done.err


def test_the_payload_comes_from_the_standard_input(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(POSTED))
    assert run("emit", "chat:posted", "-", "app.py", "--all", NOBODY).code == 0


def test_the_broker_is_named_by_an_option_before_the_environment(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("emit", "chat:posted", POSTED, "app.py", "--all")
    done = run(*arguments)
    assert (done.code, "the application's broker is not named" in done.err) == (2, True)
    monkeypatch.setenv("BYTESOCKET_ENGINE", "redos://h")
    done = run(*arguments)
    assert (done.code, "Did you mean 'redis'?" in done.err) == (2, True)
    assert run(*arguments, NOBODY).code == 0
    done = run(*arguments, "--engine", "memory://")
    assert (done.code, "would reach nobody" in done.err) == (2, True)


def test_a_broker_that_is_not_there_is_said_in_time(run: CommandLine) -> None:
    with reserved_port() as port:
        url = f"redis://ann:hunter2@127.0.0.1:{port}"
        done = run(
            "emit", "chat:posted", POSTED, "app.py", "--all", "--engine", url, "--timeout", "0.2"
        )
    assert done.code == 1
    assert f"redis://127.0.0.1:{port} could not be reached in 0.2 s" in done.err
    assert "hunter2" not in done.err


@pytest.mark.slow
def test_a_broker_that_refuses_is_said(run: CommandLine) -> None:
    with running_broker("redis-6.2", "--requirepass", "right") as broker:
        done = run("emit", "chat:posted", POSTED, "app.py", "--all", "--engine", broker.url)
    assert done.code == 1
    assert "will not serve this application: NOAUTH" in done.err


def test_a_changed_contract_is_refused(run: CommandLine, contract: str) -> None:
    document = json.loads((run.folder / contract).read_text())
    document["events"][0]["name"] = "other"
    run.write(contract, json.dumps(document))
    done = run("emit", "other", "1", contract, "--all", NOBODY)
    assert (done.code, "was changed since it was written" in done.err) == (2, True)
