"""`events`: a table for people, an array for programs."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.server_process import bytesocket

APP = """\
from bytesocket_app import ByteSocket, ClientEvent, Event, ServerEvent, Socket
from pydantic import BaseModel


class Post(ClientEvent, name="chat:post"):
    text: str


class Move(ClientEvent, name="doc:move"):
    x: int


class Moved(ServerEvent, name="doc:moved"):
    x: int


class Reaction(Event, name="chat:reaction"):
    emoji: str


class Receipt(BaseModel):
    number: int


app = ByteSocket(title="Talk", events=[Post, Move, Moved, Reaction])


@app.on(Post)
async def post(socket: Socket, event: Post) -> Receipt:
    return Receipt(number=1)


doc = app.room("doc:{doc_id}")


@doc.on(Move)
async def move(socket: Socket, event: Move, doc_id: int) -> Moved:
    return Moved(x=event.x)


doc.relay(Reaction)
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    return made


def line_of(text: str) -> int:
    return 1 + next(number for number, line in enumerate(APP.splitlines()) if line == text)


def test_the_array_names_types_rooms_and_handlers(run: CommandLine) -> None:
    rows = {row["name"]: row for row in json.loads(run("events", "--json").out)}
    assert rows["chat:post"] == {
        "name": "chat:post",
        "direction": "client",
        "payload": "Post",
        "reply": "Receipt",
        "rooms": [],
        "handler": f"app.py:{line_of('@app.on(Post)')}",
    }
    assert rows["doc:move"]["rooms"] == ["doc:{doc_id}"]
    assert rows["doc:move"]["handler"].startswith("app.py:")
    assert rows["doc:moved"]["handler"] is None
    assert rows["chat:reaction"]["handler"] == "relay"


def test_the_table_has_a_row_for_each_event(run: CommandLine) -> None:
    lines = run("events", "app.py").out.splitlines()
    assert lines[0].split() == ["event", "direction", "payload", "reply", "rooms", "handler"]
    assert [line.split()[0] for line in lines[1:]] == [
        "chat:post",
        "chat:reaction",
        "doc:move",
        "doc:moved",
    ]
    assert lines[2].split() == ["chat:reaction", "both", "Reaction", "-", "doc:{doc_id}", "relay"]


def test_a_saved_contract_is_listed_without_handlers(run: CommandLine) -> None:
    expected = json.loads(run("events", "--json").out)
    run("generate", "contract", "-o", "contract.json")
    (run.folder / "app.py").unlink()
    rows = json.loads(run("events", "contract.json", "--json").out)
    assert rows == [{**row, "handler": None} for row in expected]
    assert run("events", "contract.json").out.splitlines()[2].split()[-1] == "-"


def test_an_application_that_is_none_is_refused(run: CommandLine) -> None:
    run.write("app.py", "app = None  # bytesocket\n")
    done = run("events")
    assert (done.code, done.out) == (2, "")
    assert "app.py holds no ByteSocket" in done.err


DOUBTFUL = """\
import warnings
from bytesocket_app import ByteSocket, Event


class Blob(Event, name="blob"):
    raw: bytes


warnings.warn("an ordinary one")
app = ByteSocket(title="Blobs", events=[Blob], strict=STRICT)
"""


@pytest.mark.slow
def test_what_is_doubtful_is_one_line_a_field_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(DOUBTFUL.replace("STRICT", "False"))
    done = bytesocket("events", cwd=tmp_path)
    assert done.returncode == 0
    assert "blob" in done.stdout
    ordinary, _, doubt = done.stderr.splitlines()
    assert ordinary.endswith("app.py:9: UserWarning: an ordinary one")
    assert doubt.startswith("app.py:6: warning: event 'blob': Blob.raw holds bytes")


def test_under_strict_it_is_an_error_at_the_fields_line(run: CommandLine) -> None:
    run.write("app.py", DOUBTFUL.replace("STRICT", "True").replace("warnings.warn", "print"))
    done = run("events")
    assert done.code == 2
    assert done.err.splitlines()[-2].startswith("error: app.py:6: event 'blob': Blob.raw holds")


BOUNDED = """\
from bytesocket_app import ByteSocket, ClientEvent
from pydantic import Field


class Post(ClientEvent, name="post"):
    text: str = Field(max_length=500)


app = ByteSocket(title="Talk", events=[Post])
"""


def test_payloads_without_a_bound_are_listed_with_the_remedy_and_exit_code_1(
    run: CommandLine,
) -> None:
    done = run("events", "--unbounded")
    assert done.code == 1
    head, *rows = done.out.splitlines()
    assert head.split("  ")[0] == "event"
    assert [row.split()[:2] for row in rows] == [["chat:post", "text"], ["chat:reaction", "emoji"]]
    assert "Field(max_length=...)" in rows[0]
    assert rows[0].split()[-1] == f"app.py:{line_of('    text: str')}"


def test_payloads_without_a_bound_are_an_array_for_programs(run: CommandLine) -> None:
    done = run("events", "--unbounded", "--json")
    assert done.code == 1
    assert json.loads(done.out)[0] == {
        "name": "chat:post",
        "path": "text",
        "kind": "text",
        "remedy": "text of any length: Field(max_length=...)",
        "source": f"app.py:{line_of('    text: str')}",
    }


def test_bounded_payloads_are_fine(run: CommandLine) -> None:
    run.write("app.py", BOUNDED)
    done = run("events", "--unbounded")
    assert done.code == 0
    assert done.out.splitlines() == ["every payload that clients may send has bounds"]
    assert run("events", "--unbounded", "--json").out.strip() == "[]"


def test_integers_of_any_size_are_a_note_that_fails_nothing(run: CommandLine) -> None:
    fields = "".join(f"    n{at}: int\n" for at in range(12))
    run.write("app.py", BOUNDED.replace("    text:", f"{fields}    text:"))
    done = run("events", "--unbounded")
    assert done.code == 0
    (note,) = done.err.splitlines()
    assert note.startswith("note: JavaScript rounds integers beyond 2**53")
    assert note.endswith("post n8, post n9, and 2 more")
    assert run("events", "--unbounded", "--json").out.strip() == "[]"


def test_bounds_of_a_saved_contract_are_not_known(run: CommandLine) -> None:
    run("generate", "contract", "-o", "contract.json")
    done = run("events", "contract.json", "--unbounded")
    assert done.code == 2
    assert "--unbounded asks an application" in done.err
